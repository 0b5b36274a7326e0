package node

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// afterQUIC is how much later TCP is tried, where there is QUIC and UDP is known to
	// get through: it takes more round trips, and ties are QUIC's.
	afterQUIC = 150 * time.Millisecond
	// afterTCP is how much later QUIC is tried to a neighbour. TCP stands in a few
	// milliseconds there, if nothing bars it.
	afterTCP = 30 * time.Millisecond
	// afterNear is how much later others than neighbours are tried, where there seem to
	// be any: in homes all over the world the same addresses are in use, so that a
	// neighbour's may be one of somebody else's home.
	afterNear = 20 * time.Millisecond
	// afterDirect is how much later the first relay is tried, where there is a direct
	// way. It keeps relays out of the local network's business; a peer elsewhere that
	// names relays at all has reason to.
	afterDirect = 20 * time.Millisecond
	// afterRelay is how much later each further relay is tried.
	afterRelay = 100 * time.Millisecond
)

// rank says when to dial which address of a peer. libp2p's own order gives each direct
// address a head start of a quarter second before the next, and relays half a second
// more; behind a network that swallows UDP, or for a peer behind a NAT, that is most of
// the time a call takes. Here all addresses of neighbours go first, TCP before QUIC; then
// all others with QUIC, for it costs two packets where nobody answers, and with TCP, at
// the same time or while QUIC has not come through.
func (p *paths) rank(addrs []ma.Multiaddr) []network.AddrDelay {
	addrs = slices.Clone(addrs)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(maddrs.Cost(a), maddrs.Cost(b)),
			cmp.Compare(relayCost(a), relayCost(b)))
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	has := map[string]bool{} // which ways there are
	way := func(addr ma.Multiaddr) string {
		kind := maddrs.Transport(addr)
		if kind != "relay" && p.near(addr) {
			return "near " + kind
		}
		return kind
	}
	for _, addr := range addrs {
		has[way(addr)] = true
	}
	var far, relays time.Duration
	if has["near tcp"] || has["near quic"] {
		far = afterNear
	}
	if relays = far; far > 0 || has["quic"] || has["tcp"] {
		relays += afterDirect
	}
	var list []network.AddrDelay
	for _, addr := range addrs {
		delay := far
		switch way(addr) {
		case "near tcp":
			delay = 0
		case "near quic":
			if delay = 0; has["near tcp"] {
				delay = afterTCP
			}
		case "tcp":
			if has["quic"] && p.waits(addr) {
				delay += afterQUIC
			}
		case "relay":
			delay = relays
			relays += afterRelay
		}
		list = append(list, network.AddrDelay{Addr: addr, Delay: delay})
	}
	return list
}

// relayCost puts relays that are reached by QUIC first. For a direct address it is 0.
func relayCost(addr ma.Multiaddr) int {
	if relay := maddrs.ToRelay(addr); relay != nil {
		return maddrs.Cost(relay)
	}
	return 0
}
