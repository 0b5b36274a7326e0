// Package machine runs stems as processes, each in a home of its own, on loopback and in a private mesh: for what shows
// or measures cell as it is, by the commands that a person would type.
package machine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// Machine is a home with a stem of its own.
type Machine struct {
	Name, Home string
	Cell       string // the program
	Mesh       string // that it belongs to

	// ID and Addrs, the stem's multiaddrs, are known once it has been started.
	ID    string
	Addrs []string

	stem *exec.Cmd
	says *os.File // what the stem prints
}

// Failure is a command that failed, with what it said.
type Failure struct {
	Command string
	Said    string
	Err     error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("cell %s: %v\n%s", f.Command, f.Err, strings.TrimSpace(f.Said))
}

// Run runs one command in the machine's home and returns what it printed.
func (m *Machine) Run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := m.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, &Failure{strings.Join(args, " "), stderr.String(), err}
	}
	return stdout.Bytes(), nil
}

func (m *Machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.Cell, args...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+m.Home)
	cmd.WaitDelay = time.Second
	return cmd
}

// Start runs the machine's stem and returns when it is ready.
func (m *Machine) Start(ctx context.Context, flags ...string) error {
	id, err := m.Run(ctx, nil, "id")
	if err != nil {
		return err
	}
	m.ID = strings.TrimSpace(string(id))
	// stop ends it, and not ctx: its cells have to be ended before.
	flags = append([]string{"up", "--mesh", m.Mesh, "--no-mdns", "--listen", "127.0.0.1"}, flags...)
	stem := m.command(context.WithoutCancel(ctx), flags...)
	says, said, err := os.Pipe()
	if err != nil {
		return err
	}
	stem.Stdout, stem.Stderr = said, said
	err = stem.Start()
	said.Close()
	if err != nil {
		says.Close()
		return err
	}
	m.stem, m.says = stem, says
	says.SetReadDeadline(time.Now().Add(time.Minute))
	defer context.AfterFunc(ctx, func() { says.SetReadDeadline(time.Now()) })()
	return m.awaitReady()
}

// awaitReady reads what the stem says until it is ready, and keeps its addresses.
func (m *Machine) awaitReady() error {
	lines := bufio.NewScanner(m.says)
	var all []string
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "/ip4/") {
			m.Addrs = append(m.Addrs, line)
		}
		if line == "cell: ready" {
			return nil
		}
		all = append(all, line)
	}
	return &Failure{"up", strings.Join(all, "\n"), errors.Join(errors.New("was not ready"), lines.Err())}
}

// PID is that of the stem, once it has been started.
func (m *Machine) PID() int { return m.stem.Process.Pid }

// Addr returns the stem's multiaddr of a transport, "quic-v1" or "tcp".
func (m *Machine) Addr(transport string) string {
	for _, addr := range m.Addrs {
		if strings.Contains(addr, "/"+transport+"/") {
			return addr
		}
	}
	return ""
}

// Stop ends the machine's cells, which outlive their stem, and then the stem.
func (m *Machine) Stop() error {
	errs := m.StopCells()
	if m.stem != nil {
		m.stem.Process.Signal(syscall.SIGTERM)
		m.says.SetReadDeadline(time.Now().Add(10 * time.Second))
		io.Copy(io.Discard, m.says) // until it has ended
		m.says.Close()
		m.stem.Process.Kill() // no more than a formality
		m.stem.Wait()
	}
	return errs
}

// StopCells ends the cells of the machine.
func (m *Machine) StopCells() (err error) {
	paths, _ := filepath.Glob(filepath.Join(m.Home, "run", "*.sock")) // errs only on a bad pattern
	for _, path := range paths {
		conn, dialErr := socket.Dial(context.Background(), path)
		if dialErr != nil {
			continue
		}
		pid, _, ownerErr := socket.Owner(conn)
		conn.Close()
		if ownerErr != nil {
			err = errors.Join(err, ownerErr)
			continue
		}
		end(pid)
	}
	return err
}

// end asks a process to end, and makes it after two seconds. It is nobody's child any more or the stem's, so there
// is no event to wait for.
func end(pid int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	syscall.Kill(pid, syscall.SIGTERM)
	for syscall.Kill(pid, 0) == nil {
		if socket.Pause(ctx, 5*time.Millisecond) != nil {
			syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
}
