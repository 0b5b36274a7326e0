package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
)

func exposeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "expose NAME TARGET",
		Short: "make a cell of a server that runs on this machine",
		Long: `Has calls to NAME joined with a server at TARGET: HOST:PORT, or unix:/PATH of a socket.
Nobody else may reach it until you say so, with "cell trust" and its neighbours. What it
writes is ~/.cell/dna/NAME.toml, which can be edited by hand, too. It connects to TARGET once,
and says if nobody answers there.`,
		Example: `  cell expose db 127.0.0.1:5432`,
		Args:    exactly("NAME", "TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			to, err := dna.ParseTarget(args[1])
			if err != nil {
				return misuse(err, "as in cell expose db 127.0.0.1:5432")
			}
			h, err := madeHome()
			if err != nil {
				return err
			}
			was, err := dna.Expose(h, cell, to)
			if errors.Is(err, dna.ErrProgram) {
				return hint(fmt.Errorf("expose %s: %w", cell, err),
					"choose another name, or remove that file")
			}
			if err != nil {
				return fmt.Errorf("expose %s: %w", cell, err)
			}
			if err := end(cmd.Context(), h, cell); err != nil {
				return err
			}
			instead := ""
			if !was.IsZero() && was != to {
				instead = fmt.Sprintf(", and no more the one at %s", was)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s is the server at %s%s\n", cell, to, instead)
			if !answers(cmd.Context(), to) {
				fmt.Fprintf(cmd.ErrOrStderr(),
					"cell: nobody answers there now: until somebody does, calls are cut, and \"cell logs %s\" says why\n", cell)
			}
			return reread(cmd.Context(), h)
		},
	}
}

// answers says whether a server takes connections, within a second.
func answers(ctx context.Context, to dna.Target) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, to.Network, to.Address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func hideCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "hide NAME",
		Short:   `take back what "cell expose" did`,
		Long:    `The server is no cell any more: calls to NAME are refused, and those under way end.`,
		Example: `  cell hide db`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			h, err := madeHome()
			if err != nil {
				return err
			}
			err = dna.Hide(h, cell)
			if errors.Is(err, fs.ErrNotExist) {
				return hint(fmt.Errorf("hide %s: nothing is exposed by that name", cell),
					`"cell ls" lists what is`)
			}
			if errors.Is(err, dna.ErrProgram) {
				return hint(fmt.Errorf("hide %s: %w", cell, err),
					`to be rid of it, remove that file; "cell untrust PEER --cells NAME" keeps a peer from it`)
			}
			if err != nil {
				return fmt.Errorf("hide %s: %w", cell, err)
			}
			return errors.Join(end(cmd.Context(), h, cell), reread(cmd.Context(), h))
		},
	}
}

// end stops a cell if it runs, so that it does not go on as it was.
func end(ctx context.Context, h home.Home, cell address.Name) error {
	if _, err := process.Stop(ctx, h, cell); err != nil && !errors.Is(err, process.ErrNotRunning) {
		return fmt.Errorf("the file is changed, but %s goes on as it was: %w", cell, err)
	}
	return nil
}

// madeHome is this user's home, which is made if need be.
func madeHome() (home.Home, error) {
	h, err := home.Default()
	if err != nil {
		return h, err
	}
	return h, h.Make()
}
