package natlab

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is a kind of network to be in: what stands between its hosts and the internet.
type Kind int

const (
	// Public hosts are on the internet themselves, with a public IPv4 and IPv6 address each.
	Public Kind = iota
	// EIM is the good home router. Its mapping is endpoint-independent: a port inside is
	// one port outside, the same number if it is free, whoever is called. It lets in
	// answers from the address and port that were called.
	EIM
	// Symmetric routers take another random port for each destination, so that nobody can
	// be told where to call back. They filter as EIM does.
	Symmetric
	// Cone is EIM with every port open: what nobody asked for goes to the site's first
	// host. So do full-cone NATs, and home routers with a forwarded port or a "DMZ".
	Cone
	// CGN is two layers of EIM: each host has a home router of its own, and all of them
	// share the public address of their carrier.
	CGN
	// TCPOnly is EIM that forwards no UDP.
	TCPOnly
	// V6 is EIM for IPv4; besides, its hosts have public IPv6 addresses that anyone may call.
	V6
	// V6Firewall is V6 with a firewall that lets in IPv6 only from whom the host has called.
	V6Firewall
)

// Kinds are all there are.
var Kinds = []Kind{EIM, Symmetric, Cone, CGN, TCPOnly, V6, V6Firewall, Public}

func (k Kind) String() string {
	names := [...]string{"public", "eim", "sym", "cone", "cgn", "tcp-only", "v6", "v6fw"}
	if k < 0 || int(k) >= len(names) {
		return "kind " + strconv.Itoa(int(k))
	}
	return names[k]
}

// Site returns a site of this kind with the given hosts. Those of Public are neighbours
// on nothing but the internet; those of CGN share a carrier; all others share one router.
func (k Kind) Site(hosts ...string) Site { return Site{Kind: k, Hosts: hosts} }

// MarshalText returns the name of the kind.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the name of a kind.
func (k *Kind) UnmarshalText(text []byte) error {
	for _, known := range Kinds {
		if known.String() == string(text) {
			*k = known
			return nil
		}
	}
	return fmt.Errorf("there is no kind of network %q: write one of %s", text,
		strings.Trim(fmt.Sprint(Kinds), "[]"))
}
