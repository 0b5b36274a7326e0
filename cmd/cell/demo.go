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
		Short: "watch a call between two stems on this machine",
		Long: `Runs two stems on loopback in temporary homes, builds the example cells, and
sends a picture from one stem to the cell retina on the other, using only its
peer ID. The result is ./edges.png; nothing else is left behind.`,
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
