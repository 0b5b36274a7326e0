package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
)

// Stem is a stem that runs as a child process, for a test, a benchmark or a demo. The
// process that started it must stop it; a Node of a Net outlives the process that started it.
type Stem struct {
	Name, Home string
	Cell       string // the path of the program cell
	Mesh       string
	// Env is added to the environment of the programs that Run and Start run, as KEY=VALUE.
	Env []string

	// Start sets ID, the peer ID, and Addrs, the multiaddrs.
	ID    string
	Addrs []string

	child *child
}

// Failure is a command that failed, with its output.
type Failure struct {
	Command string
	Said    string
	Err     error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("cell %s: %v\n%s", f.Command, f.Err, strings.TrimSpace(f.Said))
}

// Run runs one cell command in the stem's home and returns its output.
func (s *Stem) Run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := s.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, &Failure{strings.Join(args, " "), stderr.String(), err}
	}
	return stdout.Bytes(), nil
}

func (s *Stem) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Cell, args...)
	cmd.Env = append(append(os.Environ(), "CELL_HOME="+s.Home), s.Env...)
	cmd.WaitDelay = time.Second
	return cmd
}

// PID is the process ID of the started stem.
func (s *Stem) PID() int { return s.child.cmd.Process.Pid }

// Addr returns the stem's multiaddr for a transport, "quic-v1" or "tcp".
func (s *Stem) Addr(transport string) string {
	for _, addr := range s.Addrs {
		if strings.Contains(addr, "/"+transport+"/") {
			return addr
		}
	}
	return ""
}

// StopAll stops the cells, which would outlive the stem, and then the stem.
func (s *Stem) StopAll() error { return errors.Join(s.StopCells(), s.Stop()) }

// StopCells stops the cells that run in the stem's home.
func (s *Stem) StopCells() error {
	h, err := home.At(s.Home)
	if err != nil {
		return err
	}
	return process.StopAll(context.Background(), h)
}
