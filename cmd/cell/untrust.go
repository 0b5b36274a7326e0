package main

import (
	"errors"
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
		Short: "let a peer reach nothing here any more, or less than before",
		Long: `Forgets a peer and all that it may reach here, its petname too; with --cells, it may only not
reach those any more. Public cells stay public, and calls that are under way go on.`,
		Example: `  cell untrust laptop --cells retina`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var done string
			err := editPeer(cmd.Context(), args[0], func(h home.Home, peer peers.Peer) error {
				if !cmd.Flags().Changed("cells") {
					done = fmt.Sprintf("%s may reach nothing here, and is forgotten", peer.Petname)
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
		"take only these away, `NAMES` with commas between")
	return cmd
}

// narrow takes cells away from what a peer may reach.
func narrow(peer *peers.Peer, cells []string) error {
	less, err := peers.ParseGrant(cells)
	if err != nil {
		return misuse(err, "--cells takes names with commas between them, or '*'")
	}
	if peer.Cells.Any && !less.Any {
		return hint(errors.New("it may reach every cell, from which none can be taken away"),
			fmt.Sprintf("run \"cell untrust %s --cells '*'\" and trust it with those that it needs",
				peer.Petname))
	}
	has := func(in []address.Name) func(address.Name) bool {
		return func(name address.Name) bool { return slices.Contains(in, name) }
	}
	never := peers.Grant{Any: less.Any && !peer.Cells.Any,
		Names: slices.DeleteFunc(slices.Clone(less.Names), has(peer.Cells.Names))}
	if never.Any || len(never.Names) > 0 {
		return hint(fmt.Errorf("%s is not trusted with %s: nothing is taken away", peer.Petname,
			describeGrant(never)),
			fmt.Sprintf("it may reach %s here", describeGrant(peer.Cells)))
	}
	peer.Cells.Any = peer.Cells.Any && !less.Any
	peer.Cells.Names = slices.DeleteFunc(peer.Cells.Names, has(less.Names))
	return nil
}
