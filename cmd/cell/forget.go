package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/knownplaces"
)

func forgetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "forget PLACE",
		Short: "forget who answered at an IP address or DNS name",
		Long: `The first time that a place is called, as in retina@192.168.1.5, who answers there is
written down; another who answers there later is refused. If you know that there is a new
machine at the place, forget the old one: the next call learns who it is.`,
		Example: `  cell forget 192.168.1.5`,
		Args:    exactly("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, err := address.ParsePeer(args[0])
			place, ok := peer.Place()
			if err == nil && !ok {
				err = fmt.Errorf("%q is not a place", args[0])
			}
			if err != nil {
				return misuse(err, "a place is an IP address, a DNS name, or a multiaddr, as it was called")
			}
			h, err := home.Default()
			if err != nil {
				return err
			}
			known, ok, err := knownplaces.Forget(cmd.Context(), h, place)
			if err != nil {
				return err
			}
			if !ok {
				return hint(fmt.Errorf("nobody is known at %s", place),
					fmt.Sprintf("%s lists the places that are", h.Places()))
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: forgot that %s is at %s\n", known.ID, place)
			return nil
		},
	}
}
