package natlab

import (
	"fmt"
	"strings"
)

// Route is how a call reaches the other side.
type Route int

const (
	// None means that it does not.
	None Route = iota
	// Relayed means through a third stem.
	Relayed
	// Direct means without a relay, at once or soon.
	Direct
)

func (r Route) String() string { return [...]string{"none", "relayed", "direct"}[r] }

// RouteBetween returns the route of a call from one kind of network to another. Calls between
// a symmetric router and a side that can't be called over IPv4 are relayed, since no one knows
// the port at which the router would let an answer in. All others are direct: either one side
// can be called, or both call at the same time, and each router takes the other's packet for
// an answer.
func RouteBetween(dialer, target Kind) Route {
	relayed := func(a, b Kind) bool { return a == Symmetric && b != Cone && b != Public }
	if relayed(dialer, target) || relayed(target, dialer) {
		return Relayed
	}
	return Direct
}

// Neighbours has the routes between two hosts of one site. They share a public address, at
// which their router does not let them call each other. Those of one home find each other by
// mDNS, or by the private addresses that they publish.
var Neighbours = []struct {
	Kind Kind
	MDNS bool
	Want Route
}{
	{EIM, true, Direct},
	{EIM, false, Direct},
	{Symmetric, true, Direct},
	{CGN, false, Relayed},
}

// Grid prints a Markdown table of all pairs of kinds, with a row for each dialer, as in
// docs/reachability.md. Real and simulated results can so be compared.
func Grid(cell func(dialer, target Kind) string) string {
	var text strings.Builder
	text.WriteString("| from \\ to |")
	for _, target := range Kinds {
		fmt.Fprintf(&text, " %v |", target)
	}
	text.WriteString("\n|" + strings.Repeat("---|", len(Kinds)+1) + "\n")
	for _, dialer := range Kinds {
		fmt.Fprintf(&text, "| %v |", dialer)
		for _, target := range Kinds {
			fmt.Fprintf(&text, " %s |", cell(dialer, target))
		}
		text.WriteString("\n")
	}
	return text.String()
}
