package node

import (
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/maddrs"
)

// A machine with a public IPv6 address, and an IPv4 one behind a NAT, reaches most peers
// by IPv6: and then nobody tells it at which IPv4 address it is seen, which is what it
// needs to get to a peer that has nothing else.

// lookOutside asks a peer that was reached by IPv6 for that, at its IPv4 address, unless
// it is known.
func (r *reach) lookOutside(e event.EvtPeerIdentificationCompleted) {
	if ip, _, _ := maddrs.Parts(e.Conn.RemoteMultiaddr()); !ip.Is6() || r.outside4.Load() != nil ||
		!slices.ContainsFunc(r.own(), maddrs.IsPrivate4) {
		return
	}
	for _, addr := range e.ListenAddrs {
		at, _ := peer.SplitAddr(addr)
		if at == nil {
			continue
		}
		ip, _, kind := maddrs.Parts(at)
		if !ip.Is4() || kind != "quic" || !maddrs.IsPublic(at) {
			continue
		}
		select {
		case r.looking <- struct{}{}:
		default:
			return
		}
		r.node.tasks.Go(func() {
			defer func() { <-r.looking }()
			if seen, err := r.node.lookFrom(r.node.tasks.Context(), e.Peer, at); err == nil &&
				seen.Addr().Is4() {
				r.outside4.Store(&seen)
			}
		})
		return
	}
}

// outside is what came of it; of a nil reach, nothing.
func (r *reach) outside() netip.AddrPort {
	if r == nil {
		return netip.AddrPort{}
	}
	if seen := r.outside4.Load(); seen != nil {
		return *seen
	}
	return netip.AddrPort{}
}
