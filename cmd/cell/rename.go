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
		Short:   "give a peer another petname",
		Long:    `Gives a peer that has a petname another one. What it may reach here stays as it is.`,
		Example: `  cell rename laptop old-laptop`,
		Args:    exactly("PEER", "PETNAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := address.ParsePetname(args[1])
			if err != nil {
				return misuse(err, "a petname is one word, as in laptop")
			}
			return editPeer(cmd.Context(), args[0], func(h home.Home, peer peers.Peer) error {
				return call(cmd.ErrOrStderr(), h, &peer, name)
			})
		},
	}
}
