package natlab

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is a kind of network: what is between its hosts and the internet.
type Kind int

const (
	// Public hosts have a public IPv4 and IPv6 address each, and no router.
	Public Kind = iota
	// EIM is a good home router. Its mapping is endpoint-independent: a port inside has one
	// port outside, of the same number if it is free, for all destinations. It lets in
	// answers from addresses and ports that were called.
	EIM
	// Symmetric routers map a port inside to a different random port for each destination,
	// so no peer can tell another where to call back. They filter as EIM does.
	Symmetric
	// Cone is EIM with all ports open: packets of unknown connections go to the site's
	// first host. Full-cone NATs do that, and home routers with a forwarded port or "DMZ".
	Cone
	// CGN is two layers of EIM: each host has its own home router, and all of them share
	// the public address of their carrier.
	CGN
	// TCPOnly is EIM that forwards no UDP.
	TCPOnly
	// V6 is EIM for IPv4. Its hosts also have public IPv6 addresses that anyone may call.
	V6
	// V6Firewall is V6 with a firewall that lets in IPv6 only from addresses and ports that
	// the host has called.
	V6Firewall
)

// Kinds are all kinds.
var Kinds = []Kind{EIM, Symmetric, Cone, CGN, TCPOnly, V6, V6Firewall, Public}

func (k Kind) String() string {
	names := [...]string{"public", "eim", "sym", "cone", "cgn", "tcp-only", "v6", "v6fw"}
	if k < 0 || int(k) >= len(names) {
		return "kind " + strconv.Itoa(int(k))
	}
	return names[k]
}

// Site returns a site of this kind. Hosts of a Public site have a link each, those of CGN
// share a carrier, and all others share a router.
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
	return fmt.Errorf("unknown kind of network %q: write one of %s", text,
		strings.Trim(fmt.Sprint(Kinds), "[]"))
}
