package node

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

// NAT is what lies between this machine and the Internet, as far as those tell who have
// seen it from there.
type NAT struct {
	// Kind is "none" if they see one of our own addresses, "same port" if they all see
	// one port of a router's, "symmetric" if each sees another, "one view" if a single
	// one has told, and "unknown" if nobody has.
	Kind string `json:"kind"`
	// Seen are some of the addresses and ports that they see.
	Seen []string `json:"seen"`
}

// Kinds of NAT.
const (
	NATNone      = "none"
	NATSamePort  = "same port"
	NATSymmetric = "symmetric"
	NATOneView   = "one view"
	NATUnknown   = "unknown"
)

// views are how peers on the Internet see this machine, over connections that it has made
// from the port that it listens on. A router that gives this port one outside is one
// thing, a router that takes another for each destination another: behind the latter
// nobody can know where to knock.
type views struct {
	mu   sync.Mutex
	seen map[viewer]netip.AddrPort
}

// viewer is who sees us, and over what.
type viewer struct {
	ip   netip.Addr
	kind string // "quic" or "tcp"
}

// maxViews bounds how many are kept, and maxShown how many different ones are told.
const (
	maxViews = 256
	maxShown = 4
)

// add takes in how the other end of a connection sees us.
func (v *views) add(conn network.Conn, observed ma.Multiaddr) {
	from, _, kind := maddrs.Parts(conn.RemoteMultiaddr())
	ip, port, over := maddrs.Parts(observed)
	if conn.Stat().Direction != network.DirOutbound || !from.Is4() || !ip.Is4() || kind != over ||
		!manet.IsPublicAddr(conn.RemoteMultiaddr()) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[viewer]netip.AddrPort{}
	}
	who := viewer{from, kind}
	if _, known := v.seen[who]; known || len(v.seen) < maxViews {
		v.seen[who] = netip.AddrPortFrom(ip, port)
	}
}

// forget is for when this machine is in another network.
func (v *views) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.seen)
}

// nat says what they add up to, over "quic" or "tcp", for a machine that has these addresses.
func (v *views) nat(over string, own []netip.Addr) NAT {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []netip.AddrPort
	for who, at := range v.seen {
		if who.kind == over {
			all = append(all, at)
		}
	}
	return natOf(all, own)
}

// nat is what lies between the node and the Internet, over "quic" or "tcp". On loopback
// there is no telling.
func (n *Node) nat(over string) NAT {
	if n.reach == nil {
		return natOf(nil, nil)
	}
	return n.reach.views.nat(over, n.reach.own())
}

func natOf(views []netip.AddrPort, own []netip.Addr) NAT {
	different := slices.Clone(views)
	slices.SortFunc(different, netip.AddrPort.Compare)
	different = slices.Compact(different)
	nat := NAT{Kind: NATUnknown, Seen: []string{}}
	for _, at := range different[:min(len(different), maxShown)] {
		nat.Seen = append(nat.Seen, at.String())
	}
	switch {
	case len(views) == 0:
	case slices.ContainsFunc(different, func(at netip.AddrPort) bool {
		return slices.Contains(own,
			at.Addr())
	}):
		nat.Kind = NATNone
	case len(views) == 1:
		nat.Kind = NATOneView
	case 2*len(different) > len(views)+1: // some may have seen us before the router began anew
		nat.Kind = NATSymmetric
	default:
		nat.Kind = NATSamePort
	}
	return nat
}
