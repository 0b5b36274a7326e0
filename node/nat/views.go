package nat

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

// Kind describes the NAT between this machine and the Internet, as peers on the Internet
// have seen it.
type Kind struct {
	// Kind is "none" if they see one of our own addresses, "same port" if all of them see
	// the same port of a router, "symmetric" if each sees another one, "one view" if only
	// one has told us, and "unknown" if none has.
	Kind string `json:"kind"`
	// Seen are some of the addresses and ports that they see.
	Seen []string `json:"seen"`
}

// Values of Kind.Kind.
const (
	None      = "none"
	SamePort  = "same port"
	Symmetric = "symmetric"
	OneView   = "one view"
	Unknown   = "unknown"
)

// views is how peers on the Internet see this machine over connections that it has made
// from the port that it listens on. Some routers map this port to a single one outside,
// others to another one for each destination. Behind the latter nobody can know which port
// leads here.
type views struct {
	mu   sync.Mutex
	seen map[viewer]netip.AddrPort
}

// viewer is who sees us, and over which transport.
type viewer struct {
	ip        netip.Addr
	transport string
}

// maxViews bounds how many views are kept, and maxShown how many different ones are shown.
const (
	maxViews = 256
	maxShown = 4
)

// add notes how the other end of a connection sees us.
func (v *views) add(conn network.Conn, observed ma.Multiaddr) {
	from, _, transport := maddrs.Parts(conn.RemoteMultiaddr())
	ip, port, over := maddrs.Parts(observed)
	if conn.Stat().Direction != network.DirOutbound || !from.Is4() || !ip.Is4() ||
		transport != over || !manet.IsPublicAddr(conn.RemoteMultiaddr()) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[viewer]netip.AddrPort{}
	}
	who := viewer{from, transport}
	if _, known := v.seen[who]; known || len(v.seen) < maxViews {
		v.seen[who] = netip.AddrPortFrom(ip, port)
	}
}

// forget is called when this machine is in another network.
func (v *views) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.seen)
}

// Kind returns which NAT there is over maddrs.QUIC or maddrs.TCP.
func (m *Monitor) Kind(transport string) Kind {
	if m == nil {
		return kindOf(nil, nil)
	}
	m.views.mu.Lock()
	defer m.views.mu.Unlock()
	var all []netip.AddrPort
	for who, at := range m.views.seen {
		if who.transport == transport {
			all = append(all, at)
		}
	}
	return kindOf(all, m.own())
}

// kindOf derives the NAT from what peers see, for a machine that has these addresses.
func kindOf(views []netip.AddrPort, own []netip.Addr) Kind {
	different := slices.Clone(views)
	slices.SortFunc(different, netip.AddrPort.Compare)
	different = slices.Compact(different)
	kind := Kind{Kind: Unknown, Seen: []string{}}
	for _, at := range different[:min(len(different), maxShown)] {
		kind.Seen = append(kind.Seen, at.String())
	}
	isOwn := func(at netip.AddrPort) bool { return slices.Contains(own, at.Addr()) }
	switch {
	case len(views) == 0:
	case slices.ContainsFunc(different, isOwn):
		kind.Kind = None
	case len(views) == 1:
		kind.Kind = OneView
	case 2*len(different) > len(views)+1: // some may have seen us before the router restarted
		kind.Kind = Symmetric
	default:
		kind.Kind = SamePort
	}
	return kind
}
