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
		Short: "make a server on this machine callable as a cell",
		Long: `Makes the server at TARGET, which is HOST:PORT or unix:/PATH, the cell NAME:
calls to NAME are connected to it. No peer may call it until you allow that with
"cell trust", "cell invite" or "cell share".

The settings are in ~/.cell/dna/NAME.toml, which you can also edit. The command
connects to TARGET once and tells you if nothing answers.`,
		Example: `  cell expose db 127.0.0.1:5432`,
		Args:    exactly("NAME", "TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			to, err := dna.ParseTarget(args[1])
			if err != nil {
				return misuse(err, "for example: cell expose db 127.0.0.1:5432")
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
				instead = fmt.Sprintf(" instead of %s", was)
			}
			w := cmd.ErrOrStderr()
			fmt.Fprintf(w, "cell: %s now forwards to %s%s\n", cell, to, instead)
			if !answers(cmd.Context(), to) {
				fmt.Fprintf(w, "cell: warning: nothing answers at %s; "+
					"calls fail until something does\n", to)
			}
			return reread(cmd.Context(), h)
		},
	}
}

// answers reports whether a server accepts a connection within a second.
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
		Use:   "hide NAME",
		Short: `undo "cell expose"`,
		Long: `Makes an exposed server unavailable again. New calls to NAME are refused, and
current calls are cut.`,
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
				return hint(fmt.Errorf("hide %s: no server is exposed by that name", cell),
					`"cell ls" lists the cells`)
			}
			if errors.Is(err, dna.ErrProgram) {
				return hint(fmt.Errorf("hide %s: %w", cell, err),
					`remove that file to remove the cell; "cell untrust PEER --cells NAME" `+
						`denies it to a peer`)
			}
			if err != nil {
				return fmt.Errorf("hide %s: %w", cell, err)
			}
			return errors.Join(end(cmd.Context(), h, cell), reread(cmd.Context(), h))
		},
	}
}

// end stops a cell if it runs, so that its next start reads the new settings.
func end(ctx context.Context, h home.Home, cell address.Name) error {
	if _, err := process.Stop(ctx, h, cell); err != nil && !errors.Is(err, process.ErrNotRunning) {
		return fmt.Errorf("the settings have changed, but %s still runs with the old ones: %w",
			cell, err)
	}
	return nil
}

// madeHome returns the home, and creates it if it does not exist.
func madeHome() (home.Home, error) {
	h, err := home.Default()
	if err != nil {
		return h, err
	}
	return h, h.Make()
}
