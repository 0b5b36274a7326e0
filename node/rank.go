package node

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// afterQUIC is how much later TCP is tried, where there is QUIC: it takes more round trips, and ties are QUIC's.
	afterQUIC = 150 * time.Millisecond
	// afterDirect is how much later the first relay is tried, where there is a direct way. It keeps relays out of the
	// local network's business; a peer elsewhere that names relays at all has reason to.
	afterDirect = 20 * time.Millisecond
	// afterRelay is how much later each further relay is tried.
	afterRelay = 100 * time.Millisecond
)

// rankDials says when to dial which address of a peer. libp2p's own order gives each direct address a head start of a
// quarter second before the next, and relays half a second more; behind a network that swallows UDP, or for
// a peer behind a NAT, that is most of the time a call takes. Here all of QUIC goes first, for it costs two
// packets where nobody answers, and the others follow while it has not come through.
func rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	addrs = slices.Clone(addrs)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(cost(a), cost(b)), cmp.Compare(relayCost(a), relayCost(b)))
	})
	has := map[string]bool{}
	for _, addr := range addrs {
		has[transport(addr)] = true
	}
	var list []network.AddrDelay
	var relays time.Duration
	if has["quic"] || has["tcp"] {
		relays = afterDirect
	}
	for _, addr := range addrs {
		var delay time.Duration
		switch transport(addr) {
		case "tcp":
			if has["quic"] {
				delay = afterQUIC
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
	below, circuit := ma.SplitFunc(addr, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CIRCUIT })
	if circuit == nil || below == nil {
		return 0
	}
	return cost(below)
}
