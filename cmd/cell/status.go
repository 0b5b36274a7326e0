package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/stem"
	"github.com/cell-mesh/cell/synapse"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show the stem: cells, peers, connections",
		Long: `Shows what this machine's stem is doing: its cells, peers, links, connections,
refused calls, and files that it could not read.`,
		Example: `  cell status --json`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := askMeasured(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), string(raw))
				return nil
			}
			return printStatus(cmd.OutOrStdout(), raw)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// askMeasured asks again for half a second while a peer's round-trip time is missing: the
// stem measures it when asked.
func askMeasured(ctx context.Context) (raw []byte, err error) {
	limit, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		if raw, err = askStatus(ctx); err != nil {
			return nil, err
		}
		var s fullStatus
		if json.Unmarshal(raw, &s) != nil || !slices.ContainsFunc(s.Network.Peers,
			func(p node.PeerStatus) bool { return p.RTT == 0 }) {
			return raw, nil
		}
		if socket.Pause(limit, pause) != nil {
			return raw, nil
		}
	}
}

func askStatus(ctx context.Context) ([]byte, error) {
	h, err := home.Default()
	if err != nil {
		return nil, err
	}
	answer, err := stemclient.Ask(ctx, h, wire.Request{Verb: wire.Status})
	if err != nil {
		err = fmt.Errorf("status of %s: %w", h, err)
	}
	if errors.Is(err, synapse.ErrNoStem) {
		err = hint(err, startStem)
	}
	if err != nil {
		return nil, err
	}
	defer answer.Conn.Close()
	answer.Conn.SetDeadline(time.Now().Add(10 * time.Second))
	more, err := io.ReadAll(answer.Conn)
	return append(answer.Rest, more...), err
}

// fullStatus is the status of a stem and its network.
type fullStatus struct {
	stem.Status
	Network node.Status `json:"network"`
}

// stemStatus asks the running stem for its status.
func stemStatus(ctx context.Context) (s fullStatus, err error) {
	raw, err := askStatus(ctx)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	return s, err
}

// printStatus prints the status as a table.
func printStatus(w io.Writer, raw []byte) error {
	var s fullStatus
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("the stem's status is not JSON: %w", err)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, cells ...string) {
		for i, cell := range cells {
			cells[i] = wire.Words(cell) // other machines wrote some of it
		}
		fmt.Fprintln(table, name+"\t"+strings.Join(cells, "\t"))
	}
	row("id", s.ID)
	row("home", s.Home)
	row("running", fmt.Sprintf("since %s, process %d", s.Since.Local().Format(time.DateTime),
		s.PID))
	if what, remedy := otherVersion(s); what != "" {
		row("version", what)
		row("", "to fix it: "+remedy)
	}
	called := func(id string) string {
		for _, peer := range s.Peers {
			if peer.ID == id {
				return peer.Petname
			}
		}
		return id
	}
	printNetwork(row, s.Network, called)
	row("cells", list(s.Cells))
	if len(s.Public) > 0 {
		row("public", list(s.Public))
	}
	for _, peer := range s.Peers {
		may, _ := peers.ParseGrant(peer.Cells) // the stem printed a valid one
		row("peer", peer.Petname, peer.ID, "may reach "+describeGrant(may))
	}
	for _, link := range s.Links {
		row("link", fmt.Sprintf("%s from %s, %s", link.To, link.Listen,
			describeLink(cellJSON{Kept: link.Kept, Calls: link.Calls})))
		if link.Refused > 0 {
			row("", fmt.Sprintf("refused %s, the last time %s: %s", times(link.Refused),
				link.Last.Local().Format(time.DateTime), link.Reason))
		}
	}
	for _, k := range s.Denied {
		row("refused", fmt.Sprintf("%s for %s, %s, the last time %s", called(k.Peer), k.Cell,
			times(k.Times), k.Last.Local().Format(time.DateTime)))
		row("", fmt.Sprintf("to allow it: %s", k.Allow))
	}
	for _, problem := range s.Problems {
		row("problem", problem)
	}
	return table.Flush()
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func list(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}
