package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
)

func untrustCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "untrust PEER",
		Short: "let a peer reach nothing here any more",
		Long: `Forgets a peer and all that it may reach here. Public cells stay public, and calls that
are under way go on.`,
		Example: `  cell untrust laptop`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, _, err := openHome()
			if err != nil {
				return err
			}
			peer, err := knownPeer(h, args[0])
			if err != nil {
				return err
			}
			if err := invite.Bar(cmd.Context(), h, peer.ID); err != nil {
				return err
			}
			if err := peers.Remove(h, peer.Petname); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s may reach nothing here\n", peer.Petname)
			return reread(cmd.Context(), h)
		},
	}
}
