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
		Short: "forget which peer answered at an IP address or DNS name",
		Long: `The first call to a place, such as retina@192.168.1.5, records which peer
answers there. If another peer answers later, calls fail. If you know that the
machine was replaced, forget the old peer: the next call records the new one.`,
		Example: `  cell forget 192.168.1.5`,
		Args:    exactly("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, err := address.ParsePeer(args[0])
			place, ok := peer.Place()
			if err == nil && !ok {
				err = fmt.Errorf("%q is not an IP address, DNS name or multiaddr", args[0])
			}
			if err != nil {
				return misuse(err,
					"write PLACE as in the call, for example: cell forget 192.168.1.5")
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
				return hint(fmt.Errorf("no peer is recorded at %s", place),
					fmt.Sprintf("%s lists the recorded places", h.Places()))
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: forgot that %s answered at %s\n", known.ID, place)
			return nil
		},
	}
}
