package main

import (
	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
)

func renameCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rename PEER PETNAME",
		Short:   "change the petname of a peer",
		Long:    `Changes the petname of a peer. The cells that it may reach stay the same.`,
		Example: `  cell rename laptop old-laptop`,
		Args:    exactly("PEER", "PETNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := address.ParsePetname(args[1])
			if err != nil {
				return misuse(err, "a petname is one word, such as laptop")
			}
			return editPeer(cmd.Context(), args[0], func(h home.Home, peer peers.Peer) error {
				return call(cmd.ErrOrStderr(), h, &peer, name)
			})
		},
	}
}
