package main

import (
	"fmt"

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
			var name address.Petname
			err := editPeer(cmd.Context(), args[0], func(h home.Home, peer peers.Peer) (err error) {
				if name, err = address.ParsePetname(args[1]); err != nil {
					return misuse(err, "a petname is one word, as in laptop")
				}
				return call(h, &peer, name)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s is called %s now\n", args[0], name)
			return nil
		},
	}
}
