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
		Short: "stop the testnet and remove its homes",
		Long: `Stops all stems and cells that run in the testnet's homes, and removes the
homes. Other stems and cells are not touched.`,
		Example: `  cell testnet down`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := openTestnet(dirFlag)
			if errors.Is(err, local.ErrNone) {
				return hint(err, "if it is elsewhere, name its directory with --dir")
			}
			if err != nil {
				return err
			}
			err = n.Down(cmd.Context())
			if err != nil && cmd.Context().Err() != nil {
				return hint(errors.New("interrupted: parts of the testnet may be left"),
					"run the command again to remove the rest")
			}
			if err != nil {
				return hint(err, "nothing was removed: try again")
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: removed the testnet in %s\n", n.Dir)
			return nil
		},
	}
	testnetDirFlag(cmd, &dirFlag)
	return cmd
}
