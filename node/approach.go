package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"

	"github.com/cell-mesh/cell/node/peerconn"
)

// approachWait bounds the dialling of a neighbour.
const approachWait = 6 * time.Second

// watchNeighbours looks, until ctx ends, whether a peer that we have reached through a
// relay is in a network of ours. Two machines behind one router can punch no hole, for
// the router does not connect its public address with itself; but the peer says itself,
// as soon as there is a connection, where it is in its own network. libp2p forgets that
// of a peer that is not near. Later calls go directly then.
func (n *Node) watchNeighbours(ctx context.Context) error {
	met, err := n.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted),
		eventbus.BufSize(64))
	if err != nil {
		return fmt.Errorf("watch who is met: %w", err)
	}
	defer met.Close()
	for {
		select {
		case e := <-met.Out():
			met := e.(event.EvtPeerIdentificationCompleted)
			if met.Conn.Stat().Direction == network.DirOutbound && peerconn.Detour(met.Conn) > 0 {
				n.approach(met.Peer, met.ListenAddrs)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// sighted is called when mDNS has seen a peer.
func (n *Node) sighted(seen peer.AddrInfo) {
	if best := n.conns.Best(seen.ID); best != nil && peerconn.Detour(best) > 0 {
		n.approach(seen.ID, seen.Addrs)
	}
}

// approach has a peer dialled at those of the addresses that are in our own networks.
func (n *Node) approach(id peer.ID, addrs []ma.Multiaddr) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return !maddrs.IsLocal(ip) || ip.IsLoopback() || !n.gater.IsNeighbour(ip)
	})
	if len(addrs) == 0 {
		return
	}
	n.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(n.tasks.Context(), approachWait)
		defer cancel()
		n.host.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
		if conn, err := n.swarm.DialPeer(network.WithForceDirectDial(ctx, "neighbour"),
			id); err == nil {
			n.finder.Reached(conn, time.Time{})
		}
	})
}
