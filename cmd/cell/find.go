package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
)

func findCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "find PEER",
		Short: "show where a peer may be, by each source",
		Long: `Asks every source of addresses and shows what each one knows: open connections,
the cache of addresses that worked, the peers file, the local network, and the
mesh. The peer itself is not contacted.`,
		Example: `  cell find 12D3KooW…`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			show := findLines(cmd.OutOrStdout())
			if asJSON {
				show = asJSONLines(cmd.OutOrStdout())
			}
			return follow(cmd.Context(), wire.Request{Verb: wire.Find, Object: args[0]}, show)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON per source")
	return cmd
}

// findLines prints what each source knows.
func findLines(w io.Writer) func(trace.Event, []byte) {
	say := func(at float64, text string) { fmt.Fprintf(w, "%9.1f ms  %s\n", at, wire.Words(text)) }
	return func(e trace.Event, _ []byte) {
		switch e.Kind {
		case trace.Nothing:
			say(e.MS, fmt.Sprintf("%s: %s", by(e.Source), e.Reason))
		case trace.Found:
			if e.Peer != "" {
				say(e.MS, fmt.Sprintf("%s %s: %s answers", by(e.Source),
					strings.Join(e.Addresses, ", "), e.Peer))
				return
			}
			say(e.MS, fmt.Sprintf("%s: %s", by(e.Source), count(len(e.Addresses), "address")))
			for i, addr := range e.Addresses {
				when := ""
				if i < len(e.Seen) && !e.Seen[i].IsZero() {
					when = ", " + ago(e.Seen[i])
				}
				fmt.Fprintf(w, "%14s%s\n", "", wire.Words(addr+when))
			}
		}
	}
}
