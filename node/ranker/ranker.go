// Package ranker is the node's dial ranker: it decides when to dial which address of a
// peer, and learns from the connections that come of it.
//
//	r := ranker.New(machine.Networks())
//	swarm.WithDialRanker(r.Rank)
//	network.NotifyBundle{ConnectedF: r.Connected}
//
// libp2p's own ranking gives each direct address a head start of a quarter second before
// the next, and relays half a second more. In a network that drops UDP, or for a peer
// behind a NAT, that is most of the time a call takes. This one dials neighbours first, TCP
// before QUIC. Then it dials all other addresses: QUIC costs two packets where nobody
// answers, and TCP comes at the same time, or later if UDP is known to work. Relays come
// last.
//
// To a neighbour, on this machine or in one of its networks, TCP carries twice as much as
// QUIC, and its first connection takes less than a millisecond longer (go test -bench
// Transports ./testnet/natlab). Everywhere else QUIC is preferred: it needs two round trips
// less, survives a change of address and gets through NATs.
//
// Which addresses may be dialled at all is up to package gater.
package ranker

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// afterQUIC delays TCP where there is QUIC and UDP is known to work. TCP takes more
	// round trips, and QUIC shall win a tie.
	afterQUIC = 150 * time.Millisecond
	// afterTCP delays QUIC to a neighbour. TCP connects within a few milliseconds there
	// unless something blocks it.
	afterTCP = 30 * time.Millisecond
	// afterNear delays other addresses where there seem to be neighbours. Homes all over
	// the world use the same private addresses, so a neighbour's may be another home's.
	afterNear = 20 * time.Millisecond
	// afterDirect delays the first relay where there is a direct address. That keeps
	// relays out of local networks. A peer elsewhere that names relays needs them.
	afterDirect = 20 * time.Millisecond
	// afterRelay delays each further relay.
	afterRelay = 100 * time.Millisecond
)

// Rank says when to dial each of a peer's addresses.
func (r *Ranker) Rank(addrs []ma.Multiaddr) []network.AddrDelay {
	addrs = slices.Clone(addrs)
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(maddrs.Cost(a), maddrs.Cost(b)),
			cmp.Compare(relayCost(a), relayCost(b)))
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	kind := func(addr ma.Multiaddr) string {
		transport := maddrs.Transport(addr)
		if transport != maddrs.Relay && r.isNear(addr) {
			return "near " + transport
		}
		return transport
	}
	has := map[string]bool{} // kinds among addrs
	for _, addr := range addrs {
		has[kind(addr)] = true
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
		switch kind(addr) {
		case "near tcp":
			delay = 0
		case "near quic":
			if delay = 0; has["near tcp"] {
				delay = afterTCP
			}
		case "tcp":
			if has["quic"] && r.udpWorks(addr) {
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

// relayCost puts relays that are reached over QUIC first. It is 0 for a direct address.
func relayCost(addr ma.Multiaddr) int {
	if relay := maddrs.ToRelay(addr); relay != nil {
		return maddrs.Cost(relay)
	}
	return 0
}
