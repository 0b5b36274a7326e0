package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/demo"
)

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "watch a call travel between two stems on this machine",
		Long: `Runs two stems in temporary homes on loopback, builds the example cells, and sends a
picture from one stem to the cell retina of the other by nothing but its peer ID. Writes
./edges.png, and leaves no process and no other file behind.`,
		Example: `  cell demo`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			err = demo.Run(cmd.Context(), self, cmd.OutOrStdout())
			if err != nil && cmd.Context().Err() != nil {
				return errors.New("interrupted")
			}
			return err
		},
	}
}
