package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
)

func peersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "peers",
		Short: "list the peers you have named",
		Long: `Lists your peers: petname, ID, the cells each may reach on this machine, and its
last known address. Call a cell on a peer by the petname, such as retina@laptop.`,
		Example: `  cell peers --json`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, _, err := openHome()
			if err != nil {
				return err
			}
			all, problems := peers.ReadAll(h)
			for _, problem := range problems {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: problem: %v\n", problem)
			}
			if asJSON {
				return printPeersJSON(cmd.OutOrStdout(), all)
			}
			if len(all)+len(problems) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), `cell: no peers yet: run "cell invite" here, `+
					`and "cell join" on the other machine`)
			}
			return printPeers(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printPeers(w io.Writer, all []peers.Peer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, peer := range all {
		fmt.Fprintf(table, "%s\t%s\tmay reach %s%s\n", peer.Petname, peer.ID,
			describeGrant(peer.Cells), describeAt(peer.At))
	}
	return table.Flush()
}

// describeAt is a column with the place where a peer was last reached, if any.
func describeAt(at []address.Place) string {
	switch len(at) {
	case 0:
		return ""
	case 1:
		return "\tat " + at[0].String()
	}
	return fmt.Sprintf("\tat %s and %d more", at[0], len(at)-1)
}

// peerJSON is one peer as `cell peers --json` prints it.
type peerJSON struct {
	Petname   string   `json:"petname"`
	ID        string   `json:"id"`
	Cells     []string `json:"cells"`
	Addresses []string `json:"addresses"`
}

func printPeersJSON(w io.Writer, all []peers.Peer) error {
	list := []peerJSON{}
	for _, peer := range all {
		at := []string{}
		for _, place := range peer.At {
			at = append(at, place.String())
		}
		list = append(list, peerJSON{peer.Petname.String(), peer.ID.String(), peer.Cells.Words(),
			at})
	}
	return json.NewEncoder(w).Encode(list)
}
