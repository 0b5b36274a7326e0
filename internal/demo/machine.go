package demo

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

// machine is a home with a stem of its own.
type machine struct {
	name, home string
	cell       string // the program
	id         string
	addr       string // a multiaddr of the stem
	stem       *exec.Cmd
	says       *os.File // what the stem prints
}

// failure is a command that failed, with what it said.
type failure struct {
	command string
	said    string
	err     error
}

func (f *failure) Error() string {
	return fmt.Sprintf("cell %s: %v\n%s", f.command, f.err, strings.TrimSpace(f.said))
}

// run runs one command in the machine's home and returns what it printed.
func (m *machine) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := m.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, &failure{strings.Join(args, " "), stderr.String(), err}
	}
	return stdout.Bytes(), nil
}

func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, m.cell, args...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+m.home)
	cmd.WaitDelay = time.Second
	return cmd
}

// start runs the machine's stem on loopback, in a private mesh, and returns when it is ready.
func (m *machine) start(ctx context.Context, flags ...string) error {
	id, err := m.run(ctx, nil, "id")
	if err != nil {
		return err
	}
	m.id = strings.TrimSpace(string(id))
	// stop ends it, and not ctx: its cells have to be ended before.
	flags = append([]string{"up", "--mesh", "demo", "--no-mdns", "--listen", "127.0.0.1"}, flags...)
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

// awaitReady reads what the stem says until it is ready, and keeps an address of it.
func (m *machine) awaitReady() error {
	lines := bufio.NewScanner(m.says)
	var all []string
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "/ip4/") && m.addr == "" {
			m.addr = line
		}
		if line == "cell: ready" {
			return nil
		}
		all = append(all, line)
	}
	return &failure{"up", strings.Join(all, "\n"), errors.Join(errors.New("was not ready"), lines.Err())}
}

// stop ends the machine's cells, which outlive their stem, and then the stem.
func (m *machine) stop() error {
	errs := m.stopCells()
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

func (m *machine) stopCells() (err error) {
	paths, _ := filepath.Glob(filepath.Join(m.home, "run", "*.sock")) // errs only on a bad pattern
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
