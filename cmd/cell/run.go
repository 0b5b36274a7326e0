package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/adapter"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
)

func runCommand() *cobra.Command {
	var mode string
	var idle time.Duration
	cmd := &cobra.Command{
		Use:   "run NAME [--mode stdio|fd] [--idle 5m] -- PROGRAM [ARG…]",
		Short: "run any program as a cell",
		Long: `Runs PROGRAM as the cell NAME until it is interrupted.

In mode stdio, PROGRAM is started for each call, with the call as its stdin and
stdout and the caller in $CELL_CALLER. In mode fd, PROGRAM replaces this process
and gets the listening socket as from systemd socket activation: LISTEN_FDS=1.

Without PROGRAM, runs dna/NAME with its settings, as the stem does.`,
		Example: `  cell run upper -- tr a-z A-Z`,
		RunE: func(cmd *cobra.Command, args []string) error {
			surviveClosedOutput()
			cell, program, err := runArgs(cmd, args)
			if err != nil {
				return err
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			if program == nil {
				return runDNA(cmd, h, cell)
			}
			settings := dna.Settings{Idle: idle}
			if settings.Mode, err = dna.ParseMode(mode); err == nil && settings.Mode == dna.Self {
				err = errors.New("in mode self, a program binds its socket itself")
			}
			if err != nil {
				return misuse(err, "--mode is stdio or fd")
			}
			if idle < 0 {
				return misuse(fmt.Errorf("--idle %v: must be positive", idle),
					"for example: --idle 5m")
			}
			if idle > 0 && settings.Mode == dna.FD {
				return misuse(fmt.Errorf("--idle %v: not possible in mode %s", idle, mode),
					"a program in mode fd accepts its calls itself, so only it can exit when idle")
			}
			return wrapped(cmd.Context(), adapter.Adapter{Home: h, Cell: cell, Settings: settings,
				Program: program})
		},
	}
	cmd.Flags().StringVar(&mode, "mode", "stdio",
		"how PROGRAM gets its calls: `MODE` is stdio or fd")
	cmd.Flags().DurationVar(&idle, "idle", 0,
		"exit after `TIME` without calls, such as 5m")
	return cmd
}

// runArgs reads NAME, and PROGRAM with its arguments after "--".
func runArgs(cmd *cobra.Command, args []string) (cell address.Name, program []string, err error) {
	before := len(args)
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		before = dash
		if program = args[dash:]; len(program) == 0 {
			return cell, nil, misuse(errors.New("the program after -- is missing"), runHint)
		}
	}
	if before != 1 {
		return cell, nil, misuse(fmt.Errorf("cell run takes one NAME before --, but got %s",
			count(before, "argument")), runHint)
	}
	cell, err = ownName(args[0])
	return cell, program, err
}

const runHint = "for example: cell run upper -- tr a-z A-Z"

// ownName reads the name of a cell on this machine.
func ownName(text string) (address.Name, error) {
	cell, err := address.ParseName(text)
	if err == nil && cell.Reserved() {
		err = fmt.Errorf("the name %s is reserved for the stem", cell)
	}
	if err != nil {
		return cell, misuse(err, "NAME is a cell on this machine, such as retina")
	}
	return cell, nil
}

// runDNA runs dna/NAME with its settings.
func runDNA(cmd *cobra.Command, h home.Home, cell address.Name) error {
	settings, err := dna.Read(h, cell)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(h.DNA(cell)); settings.Mode != dna.Forward &&
		errors.Is(err, fs.ErrNotExist) {
		return hint(fmt.Errorf("run %s: there is no program %s", cell, h.DNA(cell)),
			fmt.Sprintf("name a program: cell run %s -- PROGRAM", cell))
	}
	if settings.Mode == dna.Self {
		return hint(fmt.Errorf("run %s: it is in mode self: %s binds its socket itself", cell,
			h.DNA(cell)),
			fmt.Sprintf("run it directly, or write mode = \"stdio\" into %s", dna.Path(h, cell)))
	}
	program := append([]string{h.DNA(cell)}, settings.Args...)
	return wrapped(cmd.Context(), adapter.Adapter{Home: h, Cell: cell, Settings: settings,
		Program: program})
}

// wrapped runs an adapter. Its stderr is a file because programs may outlive this process.
func wrapped(ctx context.Context, a adapter.Adapter) error {
	a.Stderr = os.Stderr
	if err := a.Run(ctx); err != nil {
		return fmt.Errorf("run %s: %w", a.Cell, err)
	}
	return nil
}
