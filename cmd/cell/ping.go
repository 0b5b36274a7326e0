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
		Short: "show the route to a peer, and how fast it answers",
		Long: `Connects to a peer as a call would and shows each step with its time: which
source knows the peer, which addresses are dialled, whether the connection is
direct or relayed, and if relayed, when a direct one follows or why not. Then
measures how fast the peer answers.

No cell is called or started. The peer need not trust this machine, and may be
any libp2p program.`,
		Example: `  cell ping laptop -c 3`,
		Args:    exactly("PEER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if times < 1 || times > 1000 {
				return misuse(fmt.Errorf("-c %d: must be from 1 to 1000", times),
					"for example: -c 3")
			}
			show := pingLines(cmd.OutOrStdout())
			if asJSON {
				show = asJSONLines(cmd.OutOrStdout())
			}
			return follow(cmd.Context(), wire.Request{Verb: wire.Ping, Object: args[0],
				Pairs: wire.Pairs{{"count", strconv.Itoa(times)}}}, show)
		},
	}
	cmd.Flags().IntVarP(&times, "count", "c", 5, "ping `N` times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON per step")
	return cmd
}

// pingLines prints each event on a line, after its time.
func pingLines(w io.Writer) func(trace.Event, []byte) {
	called, seen := petnameOf(), map[string]bool{}
	return func(e trace.Event, _ []byte) {
		if e.Kind == trace.Found { // several members of a mesh report the same
			what := e.Source + strings.Join(slices.Sorted(slices.Values(e.Addresses)), " ")
			if seen[what] {
				return
			}
			seen[what] = true
		}
		if e.Kind == trace.End {
			if e.Sum != nil {
				fmt.Fprintf(w, "%d of %d answered: min %s, median %s, max %s\n",
					e.Sum.Answered, e.Sum.Asked, ms(e.Sum.Min), ms(e.Sum.Median), ms(e.Sum.Max))
			}
			return
		}
		if text := pingLine(e, called); text != "" {
			// Words: other machines wrote some of it
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
			text = "connected " + ago(e.Seen[0])
		}
		return text
	case trace.Nothing:
		return fmt.Sprintf("not found by %s: %s", by(e.Source), e.Reason)
	case trace.Dial:
		if e.Wait > 0 {
			return fmt.Sprintf("dialling %s in %s, unless another connects", e.Address, ms(e.Wait))
		}
		return "dialling " + e.Address
	case trace.Failed:
		return fmt.Sprintf("failed: %s: %s", e.Address, e.Reason)
	case trace.Connected, trace.Direct:
		text := fmt.Sprintf("%s: %s at %s", e.Kind, over(e, called), e.Address)
		if e.Reason != "" {
			text += " (" + e.Reason + ")"
		}
		return text
	case trace.Punch:
		if e.Reason != "" {
			return "hole punch failed: " + e.Reason
		}
		return "punching a hole to " + strings.Join(e.Addresses, ", ")
	case trace.Answer:
		return fmt.Sprintf("answer in %s, %s", ms(e.RTT), over(e, called))
	case trace.Lost:
		return fmt.Sprintf("no answer, %s: %s", over(e, called), e.Reason)
	case trace.Relayed:
		return "still relayed: " + e.Reason
	}
	return ""
}

// over is the route of a connection, with the relay if there is one.
func over(e trace.Event, called func(id string) string) string {
	if e.Relay == "" {
		return e.Route
	}
	way, below, _ := strings.Cut(e.Route, " ")
	text := way + " through " + called(e.Relay)
	if below != "" {
		text += " (" + below + ")"
	}
	return text
}
