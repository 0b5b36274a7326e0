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
		Short: "make a cell of any program, until it is interrupted",
		Long: `Is the cell NAME for as long as it runs. In mode stdio, PROGRAM is started for each call,
which is its stdin and stdout; CELL_CALLER tells it who calls. In mode fd, PROGRAM takes
this process's place and finds the listening socket as systemd would pass it: LISTEN_FDS=1.

Without PROGRAM, NAME is run as its dna says; that is how the stem starts it.`,
		Example: `  cell run upper -- tr a-z A-Z`,
		RunE: func(cmd *cobra.Command, args []string) error {
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
				err = errors.New("a program of mode \"self\" binds its socket itself")
			}
			if err != nil {
				return misuse(err, "--mode is stdio or fd")
			}
			if idle < 0 {
				return misuse(fmt.Errorf("--idle %v is no time to wait", idle), "as in --idle 5m")
			}
			if idle > 0 && settings.Mode == dna.FD {
				return misuse(fmt.Errorf("--idle %v can't be kept in mode %s", idle, mode),
					"a program in mode fd takes its calls unseen, and has to leave by itself")
			}
			return wrapped(cmd.Context(), adapter.Wrapper{Home: h, Cell: cell, Settings: settings,
				Program: program})
		},
	}
	cmd.Flags().StringVar(&mode, "mode", "stdio",
		"how calls reach the program: `MODE` is stdio or fd")
	cmd.Flags().DurationVar(&idle, "idle", 0,
		"leave when nobody has called for so long: `TIME` as in 5m")
	return cmd
}

// runArgs reads NAME, and PROGRAM and its arguments behind "--".
func runArgs(cmd *cobra.Command, args []string) (cell address.Name, program []string, err error) {
	before := len(args)
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		before = dash
		if program = args[dash:]; len(program) == 0 {
			return cell, nil, misuse(errors.New("there is no program behind --"),
				"as in cell run upper -- tr a-z A-Z")
		}
	}
	if before != 1 {
		return cell, nil, misuse(fmt.Errorf("cell run takes NAME, then -- and a program, not %d arguments before it", before), "as in cell run upper -- tr a-z A-Z")
	}
	cell, err = ownName(args[0])
	return cell, program, err
}

// ownName reads the name of a cell that may be one of this machine's.
func ownName(text string) (address.Name, error) {
	cell, err := address.ParseName(text)
	if err == nil && cell.Reserved() {
		err = fmt.Errorf("%s is the stem's own", cell)
	}
	if err != nil {
		return cell, misuse(err, "NAME is a cell of this machine, as in retina")
	}
	return cell, nil
}

// runDNA runs a cell as its dna says.
func runDNA(cmd *cobra.Command, h home.Home, cell address.Name) error {
	settings, err := dna.Read(h, cell)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(h.DNA(cell)); settings.Mode != dna.Forward &&
		errors.Is(err, fs.ErrNotExist) {
		return hint(fmt.Errorf("run %s: there is no program %s", cell, h.DNA(cell)),
			fmt.Sprintf("name one, as in cell run %s -- PROGRAM", cell))
	}
	if settings.Mode == dna.Self {
		return hint(fmt.Errorf("%s binds its socket itself, as far as %s says", h.DNA(cell),
			dna.Path(h, cell)),
			fmt.Sprintf("run it directly, or write mode = \"stdio\" there; or name a program, as in cell run %s -- PROGRAM", cell))
	}
	program := append([]string{h.DNA(cell)}, settings.Args...)
	return wrapped(cmd.Context(), adapter.Wrapper{Home: h, Cell: cell, Settings: settings,
		Program: program})
}

// wrapped gives the wrapper a file to complain to, which programs may go on using after us.
func wrapped(ctx context.Context, w adapter.Wrapper) error {
	w.Stderr = os.Stderr
	if err := w.Run(ctx); err != nil {
		return fmt.Errorf("run %s: %w", w.Cell, err)
	}
	return nil
}
