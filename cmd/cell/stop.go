package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/running"
)

func stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop NAME",
		Short: "end a running cell; the next call starts it anew",
		Long: `Asks the process that holds the cell's socket to end (SIGTERM), and ends it after 5 s if it
has not (SIGKILL). Returns once it is gone.`,
		Example: `  cell stop retina`,
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cell, err := ownName(args[0])
			if err != nil {
				return err
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			killed, err := running.Stop(cmd.Context(), h, cell)
			if errors.Is(err, running.ErrNotRunning) {
				return hint(fmt.Errorf("stop %s: it is not running", cell), `"cell ls" lists what is`)
			}
			if err != nil {
				return fmt.Errorf("stop %s: %w", cell, err)
			}
			if killed {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s did not end within %v and was killed\n", cell, running.Patience)
			}
			return nil
		},
	}
}
