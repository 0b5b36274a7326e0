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

// lanWait bounds the dial of a peer in our own network.
const lanWait = 6 * time.Second

// watchLAN dials peers directly that we have reached through a relay though they are in our
// own network, until ctx ends. Two machines behind one router can't punch a hole if the
// router does not send packets to its own public address back inside. But a peer says, as
// soon as there is a connection, which address it has in its own network. libp2p forgets
// that address unless the peer is near. Later calls are direct.
func (n *Node) watchLAN(ctx context.Context) error {
	met, err := n.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted),
		eventbus.BufSize(64))
	if err != nil {
		return fmt.Errorf("watch for peers in our network: %w", err)
	}
	defer met.Close()
	for {
		select {
		case e := <-met.Out():
			met := e.(event.EvtPeerIdentificationCompleted)
			if met.Conn.Stat().Direction == network.DirOutbound && peerconn.Detour(met.Conn) > 0 {
				n.dialLAN(met.Peer, met.ListenAddrs)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// sighted is called when mDNS has found a peer.
func (n *Node) sighted(seen peer.AddrInfo) {
	if best := n.conns.Best(seen.ID); best != nil && peerconn.Detour(best) > 0 {
		n.dialLAN(seen.ID, seen.Addrs)
	}
}

// dialLAN dials a peer, in the background, at those of its addresses that are in our own
// networks.
func (n *Node) dialLAN(id peer.ID, addrs []ma.Multiaddr) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return !maddrs.IsLocal(ip) || ip.IsLoopback() || !n.gater.IsNeighbour(ip)
	})
	if len(addrs) == 0 {
		return
	}
	n.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(n.tasks.Context(), lanWait)
		defer cancel()
		n.host.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
		if conn, err := n.swarm.DialPeer(network.WithForceDirectDial(ctx, "neighbour"),
			id); err == nil {
			n.finder.Reached(conn, time.Time{})
		}
	})
}
