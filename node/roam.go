package node

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/holepunch"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
	"github.com/cell-mesh/cell/node/relay"
)

const (
	// unnoticed is for how long nobody may have told us of a router's new address.
	unnoticed = relay.LookEvery + peerconn.ProbeWait
)

// roam is called when this machine, or its router, has other addresses than before: it
// may be in another network, or without a cable. What failed before may work now;
// connections may be dead that look alive. QUIC goes on from a new address by itself, so
// those that carry calls are left to prove it. The others are made anew: nobody tells us
// over an old connection at which address the new network's NAT shows us, and that is
// what holes are punched with. But one over TCP that lives is at the new address, and to
// end it would do harm: routers forget what they know of it seconds later, and let no
// other be punched between the same ports until then. Nor is a hole punch disturbed,
// since each of its tries says where we are: a packet of the other end's that does not
// meet one of ours has the same effect.
func (n *Node) roam() {
	n.log.Info("addresses changed")
	for _, id := range n.host.Peerstore().Peers() {
		n.swarm.Backoff().Clear(id)
	}
	n.nat.Moving()
	n.ranker.SetNetworks(n.on.Networks())
	carries := map[peer.ID]bool{} // relays that do, for calls of ours
	for _, conn := range n.swarm.Conns() {
		if via := maddrs.RelayOf(conn.RemoteMultiaddr()); via != "" && n.conns.Calls(conn) > 0 {
			carries[via] = true
		}
	}
	var group sync.WaitGroup
	for _, conn := range n.swarm.Conns() {
		age := time.Since(conn.Stat().Opened)
		switch over := maddrs.Transport(conn.RemoteMultiaddr()); {
		case over == "relay": // ends with the connection to the relay
			if age > holepunch.Lasts {
				n.conns.LeaveRelayed(conn.RemotePeer())
			}
		case n.conns.Calls(conn) > 0, carries[conn.RemotePeer()], over == "tcp" &&
			age < unnoticed:
			group.Go(func() { n.conns.Probe(conn) })
		default:
			conn.Close()
		}
	}
	n.nat.Moved()
	n.relays.Moved()
	n.nat.MovedRouter()
	n.finder.Moved()
	group.Wait()
	n.finder.Moved() // to replace those that were lost
	n.nat.Moved()
	n.relays.Moved()
}
