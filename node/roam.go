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

// unnoticed is how long a router's new address may go unnoticed.
const unnoticed = relay.LookEvery + peerconn.ProbeWait

// roam is called when this machine or its router has new addresses. The machine may be in
// another network, or without a cable. What failed before may work now, and connections
// that look alive may be dead.
//
// QUIC moves to a new address by itself, so connections that carry calls are probed and
// left alone. The others are closed and made anew: over an old connection nobody tells us
// the address at which the new network's NAT shows us, and hole punches need that.
//
// A young TCP connection is probed, too. If it is alive it is at the new address, and
// closing it would do harm: routers forget its mapping seconds later, and let nobody punch
// between the same ports until then.
//
// A hole punch under way is not disturbed, because each of its tries tells our address
// anew: a packet of the other end that does not meet one of ours would close the hole, too.
func (n *Node) roam() {
	n.log.Info("addresses changed")
	for _, id := range n.host.Peerstore().Peers() {
		n.swarm.Backoff().Clear(id)
	}
	n.nat.Moving()
	n.ranker.SetNetworks(n.on.Networks())
	carries := map[peer.ID]bool{} // relays that carry calls of ours
	for _, conn := range n.swarm.Conns() {
		if via := maddrs.RelayOf(conn.RemoteMultiaddr()); via != "" && n.conns.Calls(conn) > 0 {
			carries[via] = true
		}
	}
	var group sync.WaitGroup
	for _, conn := range n.swarm.Conns() {
		age := time.Since(conn.Stat().Opened)
		switch over := maddrs.Transport(conn.RemoteMultiaddr()); {
		case over == maddrs.Relay: // ends with the connection to the relay
			if age > holepunch.Lasts {
				n.conns.LeaveRelayed(conn.RemotePeer())
			}
		case n.conns.Calls(conn) > 0, carries[conn.RemotePeer()],
			over == maddrs.TCP && age < unnoticed:
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
	n.finder.Moved() // to replace the connections that were lost
	n.nat.Moved()
	n.relays.Moved()
}
