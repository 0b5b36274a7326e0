package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/testnet/local"
)

func testnetDownCommand() *cobra.Command {
	var dirFlag string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "end the testnet's stems and their cells, and remove their homes",
		Long: `Ends the stems that live in the testnet's homes, whoever started them there, and the cells
that run in them, and removes the homes. Other stems and cells are left alone.`,
		Example: `  cell testnet down`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := openTestnet(dirFlag)
			if errors.Is(err, local.ErrNone) {
				return hint(err, "if it lies elsewhere, name the directory with --dir")
			}
			if err != nil {
				return err
			}
			err = n.Down(cmd.Context())
			if err != nil && cmd.Context().Err() != nil {
				return hint(errors.New("interrupted: something of the testnet may be left"),
					"try again: what is gone stays gone")
			}
			if err != nil {
				return hint(err, "its homes are left as they are: try again")
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: the testnet in %s is gone\n", n.Dir)
			return nil
		},
	}
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}
