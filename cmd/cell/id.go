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
		Long: `Prints the peer ID of this machine, by which other machines call it. The first
time, it creates the key that the ID is derived from. No stem needs to run.`,
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

// openHome returns the home and its key, and creates them if they don't exist.
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
