package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
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
			h, _, err := openHome()
			if err != nil {
				return err
			}
			lock, err := peers.Lock(cmd.Context(), h)
			if err != nil {
				return err
			}
			defer lock.Unlock()
			peer, err := knownPeer(h, args[0])
			if err != nil {
				return err
			}
			name, err := address.ParsePetname(args[1])
			if err != nil {
				return misuse(err, "a petname is one word, as in laptop")
			}
			if err := call(h, &peer, name); err != nil {
				return err
			}
			if err := reread(cmd.Context(), h); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s is called %s now\n", args[0], peer.Petname)
			return nil
		},
	}
}
