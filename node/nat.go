package node

import (
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// punchWait bounds one try of a direct connection beside a relayed one. libp2p begins
// with the addresses that it knows already and that may lead nowhere; at 10 s, its
// default, it would punch too late for most calls.
const punchWait = 1500 * time.Millisecond

// natOptions are what a node needs that is to be reached through NATs. Peers tell each
// other how they see one another and probe each other's addresses (AutoNAT v2), routers
// are asked for a port, and relayed connections are replaced by direct ones (hole
// punching). Relays are our own business: see relays.
func (n *Node) natOptions() []libp2p.Option {
	return []libp2p.Option{
		libp2p.EnableAutoNATv2(),
		libp2p.EnableHolePunching(holepunch.DirectDialTimeout(punchWait),
			holepunch.WithAddrFilter(guesses{n.reach}), holepunch.WithTracer(&n.punches), n.punches.by),
		libp2p.AddrsFactory(n.reach.published),
		// A network in which few dials succeed at first, as a small or a new one, looks
		// to these like one without UDP or IPv6: and then nobody's addresses are probed
		// over them.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
}

// isWide says whether a node listens to more than its own machine. On loopback there is
// no NAT to traverse.
func isWide(ips []netip.Addr) bool {
	return slices.ContainsFunc(ips, func(ip netip.Addr) bool { return !ip.IsLoopback() })
}

// isAbroad says whether the mesh begins with peers on the Internet.
func isAbroad(bootstrap []string) bool {
	return slices.ContainsFunc(bootstrap, func(text string) bool {
		addr, err := ma.NewMultiaddr(text)
		return err == nil && maddrs.IsPublic(addr)
	})
}
