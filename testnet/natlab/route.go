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

// Routes has the route from each kind of network to each other. Calls between a symmetric
// router and a side that can't be called over IPv4 are relayed, since no one knows the port
// at which the router would let an answer in. All others are direct: either one side can be
// called, or both call at the same time, and each router takes the other's packet for an
// answer.
var Routes = []struct {
	Dialer, Target Kind
	Want           Route
}{
	{EIM, EIM, Direct},
	{EIM, Symmetric, Relayed},
	{EIM, Cone, Direct},
	{EIM, CGN, Direct},
	{EIM, TCPOnly, Direct},
	{EIM, V6, Direct},
	{EIM, V6Firewall, Direct},
	{EIM, Public, Direct},

	{Symmetric, EIM, Relayed},
	{Symmetric, Symmetric, Relayed},
	{Symmetric, Cone, Direct},
	{Symmetric, CGN, Relayed},
	{Symmetric, TCPOnly, Relayed},
	{Symmetric, V6, Relayed},
	{Symmetric, V6Firewall, Relayed},
	{Symmetric, Public, Direct},

	{Cone, EIM, Direct},
	{Cone, Symmetric, Direct},
	{Cone, Cone, Direct},
	{Cone, CGN, Direct},
	{Cone, TCPOnly, Direct},
	{Cone, V6, Direct},
	{Cone, V6Firewall, Direct},
	{Cone, Public, Direct},

	{CGN, EIM, Direct},
	{CGN, Symmetric, Relayed},
	{CGN, Cone, Direct},
	{CGN, CGN, Direct},
	{CGN, TCPOnly, Direct},
	{CGN, V6, Direct},
	{CGN, V6Firewall, Direct},
	{CGN, Public, Direct},

	{TCPOnly, EIM, Direct},
	{TCPOnly, Symmetric, Relayed},
	{TCPOnly, Cone, Direct},
	{TCPOnly, CGN, Direct},
	{TCPOnly, TCPOnly, Direct},
	{TCPOnly, V6, Direct},
	{TCPOnly, V6Firewall, Direct},
	{TCPOnly, Public, Direct},

	{V6, EIM, Direct},
	{V6, Symmetric, Relayed},
	{V6, Cone, Direct},
	{V6, CGN, Direct},
	{V6, TCPOnly, Direct},
	{V6, V6, Direct},
	{V6, V6Firewall, Direct},
	{V6, Public, Direct},

	{V6Firewall, EIM, Direct},
	{V6Firewall, Symmetric, Relayed},
	{V6Firewall, Cone, Direct},
	{V6Firewall, CGN, Direct},
	{V6Firewall, TCPOnly, Direct},
	{V6Firewall, V6, Direct},
	{V6Firewall, V6Firewall, Direct},
	{V6Firewall, Public, Direct},

	{Public, EIM, Direct},
	{Public, Symmetric, Direct},
	{Public, Cone, Direct},
	{Public, CGN, Direct},
	{Public, TCPOnly, Direct},
	{Public, V6, Direct},
	{Public, V6Firewall, Direct},
	{Public, Public, Direct},
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
