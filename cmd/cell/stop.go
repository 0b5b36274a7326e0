package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
)

func stopCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stop NAME…",
		Short: "end running cells; the next call starts one anew",
		Long: `Asks the process that holds a cell's socket to end (SIGTERM), and ends it after 5 s if it
has not (SIGKILL). Returns once it is gone.`,
		Example: `  cell stop brain retina`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return exactly("NAME…")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var cells []address.Name
			for _, arg := range args {
				cell, err := ownName(arg)
				if err != nil {
					return err
				}
				cells = append(cells, cell)
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			for _, cell := range cells {
				err = errors.Join(err, stop(cmd, h, cell))
			}
			return err
		},
	}
}

// stop ends a cell, and says so if it took force.
func stop(cmd *cobra.Command, h home.Home, cell address.Name) error {
	killed, err := process.Stop(cmd.Context(), h, cell)
	if errors.Is(err, process.ErrNotRunning) {
		return hint(fmt.Errorf("stop %s: it is not running", cell), `"cell ls" lists what is`)
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", cell, err)
	}
	if killed {
		fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s did not end within %v and was killed\n", cell,
			process.Patience)
	}
	return nil
}
