package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/node"
)

func idCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "id",
		Short: "print this machine's peer ID",
		Long: `Prints the peer ID of this machine, which is what others call it by. The first time,
it makes the key that the ID stands for. No stem needs to run.`,
		Example: `  cell id`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, identity, err := openHome()
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), identity.ID())
			return nil
		},
	}
}

// openHome makes the home if need be, and its key.
func openHome() (home.Home, node.Identity, error) {
	h, err := home.Default()
	if err != nil {
		return h, node.Identity{}, err
	}
	if err := h.Make(); err != nil {
		return h, node.Identity{}, err
	}
	identity, err := node.LoadIdentity(h.IdentityKey())
	return h, identity, err
}
