package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
)

// approachWait bounds the search for a way to a neighbour that leads through no relay.
const approachWait = 6 * time.Second

// approach looks for a peer in our own networks that we have reached through a relay. Two machines behind one router can
// punch no hole, for the router does not connect its public address with itself; but the peer may have published
// where it is in its own network, or answer to mDNS. Later calls go directly then.
func (n *Node) approach(id peer.ID) {
	ctx, cancel := context.WithTimeout(n.tasks.Context(), approachWait)
	defer cancel()
	var dials sync.WaitGroup
	defer dials.Wait()
	n.finder.Find(ctx, id, func(addrs []ma.Multiaddr) {
		addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
			ip, _, _ := parts(addr)
			return !isNear(ip) || !n.hearsay.reaches(ip)
		})
		if len(addrs) == 0 {
			return
		}
		n.host.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
		dials.Go(func() {
			if conn, err := n.swarm.DialPeer(network.WithForceDirectDial(ctx, "neighbour"), id); err == nil {
				n.finder.Worked(conn)
				cancel()
			}
		})
	})
}

// sighted is called when mDNS has seen a peer.
func (n *Node) sighted(id peer.ID) {
	if best := n.connection(id); best != nil && detour(best) > 0 {
		n.tasks.Go(func() { n.approach(id) })
	}
}
