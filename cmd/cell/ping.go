package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
)

func pingCommand() *cobra.Command {
	var times int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ping PEER",
		Short: "show the way to a peer, each step with its time, and how fast it answers",
		Long: `Reaches a peer as a call would and shows each step as it happens: who knows where it is, which
addresses are dialled, whether the connection is direct or goes through a relay, and when a
direct one follows; or else why none does. Then asks for answers. No cell is called or started,
and the peer need not trust this machine, nor run cell: any libp2p program answers.`,
		Example: `  cell ping laptop -c 3`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if times < 1 || times > 1000 {
				return misuse(fmt.Errorf("-c %d is no number from 1 to 1000", times), "as in -c 3")
			}
			show := pingLines(cmd.OutOrStdout())
			if asJSON {
				show = asJSONLines(cmd.OutOrStdout())
			}
			return follow(cmd.Context(), wire.Request{Verb: wire.Ping, Object: args[0],
				Pairs: wire.Pairs{{"count", strconv.Itoa(times)}}}, show)
		},
	}
	cmd.Flags().IntVarP(&times, "count", "c", 5, "ask `N` times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each step")
	return cmd
}

// pingLines shows events to a person, each on a line behind its time.
func pingLines(w io.Writer) func(trace.Event, []byte) {
	called, seen := calledHere(), map[string]bool{}
	return func(e trace.Event, _ []byte) {
		if e.Kind == trace.Found { // the members of a mesh tell the same, one after the other
			what := e.Source + strings.Join(slices.Sorted(slices.Values(e.Addresses)), " ")
			if seen[what] {
				return
			}
			seen[what] = true
		}
		if e.Kind == trace.End {
			if e.Sum != nil {
				fmt.Fprintf(w, "%d of %d answered, after %s at least, %s at most, %s in the median\n",
					e.Sum.Answered, e.Sum.Asked, ms(e.Sum.Min), ms(e.Sum.Max), ms(e.Sum.Median))
			}
			return
		}
		if text := pingLine(e, called); text != "" {
			// some of it others have written
			fmt.Fprintf(w, "%9.1f ms  %s\n", e.MS, wire.Words(text))
		}
	}
}

func pingLine(e trace.Event, called func(id string) string) string {
	switch e.Kind {
	case trace.Found:
		text := fmt.Sprintf("found by %s: %s", by(e.Source), count(len(e.Addresses), "address"))
		switch {
		case e.Peer != "":
			text += ", where " + e.Peer + " answers"
		case e.Source == trace.Here && len(e.Seen) > 0:
			text = "connected already, made " + ago(e.Seen[0])
		}
		return text
	case trace.Nothing:
		return fmt.Sprintf("not found by %s: %s", by(e.Source), e.Reason)
	case trace.Dial:
		if e.Wait > 0 {
			return fmt.Sprintf("dials %s, unless one connects within %s", e.Address, ms(e.Wait))
		}
		return "dials " + e.Address
	case trace.Failed:
		return fmt.Sprintf("failed: %s: %s", e.Address, e.Reason)
	case trace.Connected, trace.Direct:
		text := fmt.Sprintf("%s: %s, at %s", e.Kind, over(e, called), e.Address)
		if e.Reason != "" {
			text += " (" + e.Reason + ")"
		}
		return text
	case trace.Punch:
		if e.Reason != "" {
			return "hole punch failed: " + e.Reason
		}
		return "punches a hole, to " + strings.Join(e.Addresses, ", ")
	case trace.Answer:
		return fmt.Sprintf("answer after %s, %s", ms(e.RTT), over(e, called))
	case trace.Lost:
		return fmt.Sprintf("no answer, %s: %s", over(e, called), e.Reason)
	case trace.Relayed:
		return "relayed, because " + e.Reason
	}
	return ""
}

// over says which way a connection goes.
func over(e trace.Event, called func(id string) string) string {
	if e.Relay == "" {
		return e.Route
	}
	way, below, _ := strings.Cut(e.Route, " ")
	text := way + " by " + called(e.Relay)
	if below != "" {
		text += " (" + below + ")"
	}
	return text
}
