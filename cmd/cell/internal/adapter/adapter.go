// Package adapter makes a cell from a program that knows nothing about cells, or from a
// running server. A small process holds the cell's socket, so that the cell outlives the
// stem. There are three modes:
//
//	stdio    starts the program for each call, with the call as its stdin and stdout: stdio.go
//	fd       replaces itself with the program, with the socket as file descriptor 3: fd.go
//	forward  dials a server for each call and copies both ways: forward.go
//
// The adapter does not look at the bytes, and passes on the end of each direction.
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

// Adapter is one cell that is made from a program or a server.
type Adapter struct {
	Home home.Home
	Cell address.Name
	// Settings are the mode, the target, the environment and the idle time. Args are not
	// used; in mode Forward, nothing for the program is.
	Settings dna.Settings
	// Program is the program to execute, and its arguments.
	Program []string
	// Stderr gets the programs' stderr, and a line for each call that failed. It is a file
	// because programs may outlive this process.
	Stderr *os.File
	// Most is how many calls may be open at once; more wait in the socket's queue. If zero,
	// 128.
	Most int
}

// Run runs the cell until ctx ends, or until no call came for the idle time. In mode FD, it
// returns only if the program can't be executed.
func (a Adapter) Run(ctx context.Context) error {
	serve := a.forward
	if a.Settings.Mode != dna.Forward {
		path, err := find(a.Program[0])
		if err != nil {
			return err
		}
		if a.Settings.Mode == dna.FD {
			return a.become(path)
		}
		serve = func(ctx context.Context, c call) error { return a.spawn(ctx, path, c) }
	}
	l, err := cellsocket.As(a.Home, a.Cell, a.Settings.Idle)
	if err != nil {
		return err
	}
	err = a.accept(ctx, l, serve)
	if errors.Is(err, cellsocket.ErrIdle) || ctx.Err() != nil {
		return nil
	}
	return err
}

// find returns the absolute path of a program, which may be on the $PATH, if it can be run.
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

// environ is the environment of a program, with additional variables.
func (a Adapter) environ(more ...string) ([]string, error) {
	path, err := a.Home.Socket(a.Cell)
	if err != nil {
		return nil, err
	}
	told := []string{"CELL_STARTED", "CELL_NAME=" + a.Cell.String(), "CELL_HOME=" + a.Home.String(),
		"CELL_SOCKET=" + path}
	return a.Settings.Environ(append(told, more...)...), nil
}

// note logs a call that failed.
func (a Adapter) note(format string, args ...any) {
	fmt.Fprintf(a.Stderr, "cell: %s: %s\n", a.Cell, fmt.Sprintf(format, args...))
}
