package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
)

func untrustCommand() *cobra.Command {
	var cells []string
	cmd := &cobra.Command{
		Use:   "untrust PEER [--cells a,b]",
		Short: "take cells away from a peer, or forget it",
		Long: `Forgets a peer: its petname, and which cells it may reach. With --cells, only
takes those cells away. Public cells stay public, and current calls go on.`,
		Example: `  cell untrust laptop --cells retina`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var done string
			err := editPeer(cmd.Context(), args[0], func(h home.Home, peer peers.Peer) error {
				if !cmd.Flags().Changed("cells") {
					done = fmt.Sprintf("forgot %s; it may reach only public cells here",
						peer.Petname)
					return peers.RemoveAll(h, peer.ID)
				}
				if err := narrow(&peer, cells); err != nil {
					return err
				}
				done = fmt.Sprintf("%s may reach %s here", peer.Petname, describeGrant(peer.Cells))
				return peers.Write(h, peer)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: %s\n", done)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&cells, "cells", nil,
		"take only these cells away: `NAMES`, or '*'")
	return cmd
}

// narrow removes cells from those that a peer may reach.
func narrow(peer *peers.Peer, cells []string) error {
	less, err := peers.ParseGrant(cells)
	if err != nil {
		return misuse(err, cellsHint)
	}
	if peer.Cells.Any && !less.Any {
		return hint(fmt.Errorf("%s may reach every cell, so single cells can't be taken away",
			peer.Petname), fmt.Sprintf("run \"cell untrust %s --cells '*'\", then \"cell trust\" "+
			"with the cells it needs", peer.Petname))
	}
	has := func(in []address.Name) func(address.Name) bool {
		return func(name address.Name) bool { return slices.Contains(in, name) }
	}
	never := peers.Grant{Any: less.Any && !peer.Cells.Any,
		Names: slices.DeleteFunc(slices.Clone(less.Names), has(peer.Cells.Names))}
	if never.Any || len(never.Names) > 0 {
		return hint(fmt.Errorf("%s was not allowed to reach %s; nothing changed", peer.Petname,
			describeGrant(never)),
			fmt.Sprintf("it may reach %s here", describeGrant(peer.Cells)))
	}
	peer.Cells.Any = peer.Cells.Any && !less.Any
	peer.Cells.Names = slices.DeleteFunc(peer.Cells.Names, has(less.Names))
	return nil
}
