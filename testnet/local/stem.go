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

// Machine is a home with a stem of its own.
type Machine struct {
	Name, Home string
	Cell       string // the program
	Mesh       string // that it belongs to
	// Env is added to the environment of its programs, as KEY=VALUE.
	Env []string

	// ID and Addrs, the stem's multiaddrs, are known once it has been started.
	ID    string
	Addrs []string

	stem *child
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
	cmd.Env = append(append(os.Environ(), "CELL_HOME="+m.Home), m.Env...)
	cmd.WaitDelay = time.Second
	return cmd
}

// Stop ends the machine's cells, which outlive their stem, and then the stem.
func (m *Machine) Stop() error { return errors.Join(m.StopCells(), m.Down()) }

// StopCells ends the cells of the machine.
func (m *Machine) StopCells() error {
	h, err := home.At(m.Home)
	if err != nil {
		return err
	}
	return process.StopAll(context.Background(), h)
}
