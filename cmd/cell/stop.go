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
		Short: "stop running cells; the next call starts them again",
		Long: `Sends SIGTERM to the process of each cell, and SIGKILL if it has not ended after
5 s. Returns once it has ended.`,
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

// stop stops a cell, and reports if it had to be killed.
func stop(cmd *cobra.Command, h home.Home, cell address.Name) error {
	killed, err := process.Stop(cmd.Context(), h, cell)
	if errors.Is(err, process.ErrNotRunning) {
		return hint(fmt.Errorf("stop %s: not running", cell), `"cell ls" lists the cells`)
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", cell, err)
	}
	if killed {
		fmt.Fprintf(cmd.ErrOrStderr(), "cell: killed %s, which did not end within %v\n", cell,
			process.Patience)
	}
	return nil
}
