package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/testnet/local"
)

// lab has the processes for measuring one kind of rows.
type lab struct {
	Config
	ctx  context.Context // of Run
	dir  string
	rows []Row
	undo []func() error
}

// close stops what was started, in reverse order.
func (l *lab) close() (err error) {
	for i := len(l.undo) - 1; i >= 0; i-- {
		err = errors.Join(err, l.undo[i]())
	}
	return err
}

// stem runs a stem in a home of its own.
func (l *lab) stem(name string, flags ...string) (*local.Stem, error) {
	s := &local.Stem{Name: name, Home: filepath.Join(l.dir, name), Cell: l.Cell, Mesh: "bench"}
	l.undo = append(l.undo, s.StopAll)
	return s, s.Start(l.ctx, flags...)
}

// pair runs two stems that are connected by a transport, through way unless it is nil. The
// first may call the second's cells.
func (l *lab) pair(transport string,
	way func(multiaddr string) (string, error)) (here, there *local.Stem, err error) {
	if there, err = l.stem("b"); err != nil {
		return nil, nil, err
	}
	addr := there.Addr(transport)
	if way != nil {
		if addr, err = way(addr); err != nil {
			return nil, nil, err
		}
	}
	if here, err = l.stem("a", "--bootstrap", addr); err != nil {
		return nil, nil, err
	}
	_, err = there.Run(l.ctx, nil, "trust", here.ID, "--as", "a", "--cells", CellName+","+HelloName)
	return here, there, err
}

// serve starts this program as a far end, and returns the lines that it prints before Ready.
func (l *lab) serve(role, home string, env ...string) (lines []string, err error) {
	cmd := exec.Command(l.Cell, "bench", "--serve", role)
	cmd.Env = append(append(os.Environ(), "CELL_HOME="+home), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // the process ends when this is closed
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.undo = append(l.undo, func() error {
		in.Close()
		slow := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer slow.Stop()
		err := cmd.Wait()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
			return nil // stopped with its stem, as a cell
		}
		return err
	})
	said := bufio.NewScanner(out)
	for said.Scan() {
		if said.Text() == Ready {
			return lines, nil
		}
		lines = append(lines, said.Text())
	}
	return nil, fmt.Errorf("the far end %q did not start: %s", role, strings.Join(lines, "; "))
}

// dial calls an address in a home.
func (l *lab) dial(home, address string) (Conn, error) { return l.Dial(l.ctx, home, address, nil) }

// times returns n, or 1 if Quick.
func (l *lab) times(n int) int {
	if l.Quick {
		return 1
	}
	return n
}
