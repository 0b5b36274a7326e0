package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/build"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

func buildCommand() *cobra.Command {
	var all, restart bool
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "build the cells in cells/",
		Long: `Builds each cells/NAME in DIR, or in the current directory, and installs the
program as ~/.cell/dna/NAME. A Go program is built with go build. For any other,
cell.toml beside it holds the command: sh runs it there, and it must write the
program to the file $CELL_OUT. The other settings in cell.toml are copied to
dna/NAME.toml.

Only what has changed is built. Running cells keep running the old program;
--restart restarts them.`,
		Example: `  cell build && echo hello | cell connect echo`,
		Args:    upTo("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			cells, err := findCells(dir)
			if err != nil {
				return err
			}
			err = buildCells(cmd.Context(), h, cells, all, cmd.ErrOrStderr())
			if cmd.Context().Err() != nil {
				return err
			}
			return errors.Join(err, renew(cmd.Context(), h, cells, restart, cmd.ErrOrStderr()))
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "also build what has not changed")
	cmd.Flags().BoolVar(&restart, "restart", false,
		"restart cells that run an old program")
	return cmd
}

// findCells adds the remedy if there is nothing to build.
func findCells(dir string) ([]build.Cell, error) {
	cells, err := build.Find(dir)
	whole, _ := filepath.Abs(dir)
	switch {
	case errors.Is(err, build.ErrNoDir):
		return nil, hint(err, "DIR must contain cells/, with a directory for each cell")
	case errors.Is(err, build.ErrNoCells) && filepath.Base(whole) == "cells":
		return nil, hint(err, fmt.Sprintf("did you mean \"cell build %s\"?", filepath.Dir(whole)))
	case errors.Is(err, build.ErrNoCells):
		return nil, hint(err, `run it in the directory that contains cells/, or create a cell `+
			`with "cell new NAME"`)
	case err == nil && len(cells) == 0:
		return nil, hint(fmt.Errorf("there are no cells in %s", filepath.Join(whole, "cells")),
			`"cell new NAME" creates one`)
	}
	return cells, err
}

// buildCells builds the cells and shows progress. One that fails does not stop the others.
func buildCells(ctx context.Context, h home.Home, cells []build.Cell, all bool,
	stderr io.Writer) error {
	view := newBuildView(stderr, len(cells), all)
	results, err := build.Run(ctx, build.Config{Home: h, All: all, Waits: view.waits,
		Began: view.began, Ended: view.ended}, cells)
	view.close()
	if ctx.Err() != nil {
		return errors.New("interrupted: no cell was changed")
	}
	if err != nil {
		return err
	}
	changed := 0
	var failed []error
	for _, r := range results {
		if r.Changed {
			changed++
		}
		if r.Err != nil {
			failed = append(failed, fmt.Errorf("build %s: %w", r.Name, r.Err))
		}
	}
	fmt.Fprintf(stderr, "cell: %d of %s changed in %s\n", changed, count(len(cells), "cell"),
		h.DNADir())
	return errors.Join(append(failed, reread(ctx, h))...)
}

// renew restarts the cells that run an old program, or lists them.
func renew(ctx context.Context, h home.Home, cells []build.Cell, restart bool,
	stderr io.Writer) error {
	old := build.Outdated(h, cells)
	if !restart {
		if len(old) > 0 {
			fmt.Fprintf(stderr, "cell: still running the old program: %s; "+
				"\"cell build --restart\" restarts them\n", joined(old))
		}
		return nil
	}
	var failed []error
	for _, cell := range old {
		if err := build.Restart(ctx, h, cell); err != nil {
			failed = append(failed, fmt.Errorf("restart %s: %w", cell, err))
		} else {
			fmt.Fprintf(stderr, "cell: %s: restarted\n", cell)
		}
	}
	return errors.Join(failed...)
}

func joined(names []address.Name) string {
	var texts []string
	for _, name := range names {
		texts = append(texts, name.String())
	}
	return strings.Join(texts, ", ")
}
