package natlab

import (
	"fmt"
	"strings"
)

// Route is how the bytes of a call get to the other side.
type Route int

const (
	// None is not at all.
	None Route = iota
	// Relayed is through a third stem, and it stays so.
	Relayed
	// Direct is without one, at once or soon.
	Direct
)

func (r Route) String() string { return [...]string{"none", "relayed", "direct"}[r] }

// Routes are those that a call takes from one kind of network to another, for all of
// them. Relayed are those between a symmetric router and a side that cannot just be
// called over IPv4: nobody can know at which port the router will let an answer in. All
// others have a direct way: the side that can be called is called, or both sides call at
// the same moment, and each router lets in what looks like an answer.
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

// Neighbours are the routes between two hosts of one site. They share a public address,
// at which no router lets them call each other. Those of one home learn that they are
// neighbours by mDNS, or from the addresses that they have published.
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

// Grid prints something of each pair as docs/reachability.md shows them, so that what was
// seen over kernels and in simulation can be laid side by side: dialers down, targets
// across.
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
