// Package adapter makes a cell of a program that knows nothing of cells, or of a server
// that runs already. A small process of ours holds the cell's socket and becomes the
// cell, so that the stem need not stay for it:
//
//	stdio    a caller is accepted, and a process started whose stdin and stdout are the call: stdio.go
//	fd       the socket listens and becomes file descriptor 3 of the program that replaces us: fd.go
//	forward  a caller is accepted and joined with a server that is dialled: forward.go
//
// What the program or the server does to the call is for them to say: an end of one
// direction is passed on, the bytes are not looked at. Only with forward are they copied
// at all.
package adapter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/cellsocket"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
)

// Wrapper is one cell.
type Wrapper struct {
	Home home.Home
	Cell address.Name
	// Settings are the mode, the target, the environment and the idle time. Those for the
	// program are not used in mode Forward, and Args are not used at all.
	Settings dna.Settings
	// Program is what is executed, and its arguments.
	Program []string
	// Stderr is where the programs' stderr goes, and what happened to calls that went
	// wrong. It is a file, so that they can go on writing without us.
	Stderr *os.File
	// Most is how many calls may be under way; those who come then wait in the socket's
	// queue. If zero, 128.
	Most int
}

// Run is the cell until ctx ends, or until it was unused for the idle time. In mode FD it
// returns only if the program could not be executed.
func (w Wrapper) Run(ctx context.Context) error {
	serve := w.forward
	if w.Settings.Mode != dna.Forward {
		path, err := find(w.Program[0])
		if err != nil {
			return err
		}
		if w.Settings.Mode == dna.FD {
			return w.become(path)
		}
		serve = func(ctx context.Context, c call) error { return w.spawn(ctx, path, c) }
	}
	l, err := cellsocket.As(w.Home, w.Cell, w.Settings.Idle)
	if err != nil {
		return err
	}
	err = w.accept(ctx, l, serve)
	if errors.Is(err, cellsocket.ErrIdle) || ctx.Err() != nil {
		return nil
	}
	return err
}

// find returns the whole path of a program, which may be one of $PATH, if it can be run.
func find(program string) (path string, err error) {
	if !strings.Contains(program, "/") {
		if program, err = exec.LookPath(program); err != nil {
			return "", err
		}
	}
	if path, err = filepath.Abs(program); err != nil {
		return "", err
	}
	return path, dna.Runnable(path)
}

// environ is what a program is told, besides who calls.
func (w Wrapper) environ(more ...string) ([]string, error) {
	path, err := w.Home.Socket(w.Cell)
	if err != nil {
		return nil, err
	}
	told := []string{"CELL_STARTED", "CELL_NAME=" + w.Cell.String(), "CELL_HOME=" + w.Home.String(),
		"CELL_SOCKET=" + path}
	return w.Settings.Environ(append(told, more...)...), nil
}

// note writes a line about a call that went wrong.
func (w Wrapper) note(format string, args ...any) {
	fmt.Fprintf(w.Stderr, "cell: %s: %s\n", w.Cell, fmt.Sprintf(format, args...))
}
