package node

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// stillWait is how long a connection has to prove that it lives when there is reason
	// to doubt it.
	stillWait = time.Second
	// unnoticed is for how long nobody may have told us of a router's new address.
	unnoticed = lookEvery + stillWait
	// punching is how long after a relayed connection began there is still a try to come
	// of the hole punch.
	punching = (maxTries - 1) * punchWait
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
	n.reach.refresh()
	n.paths.moved(n.on.Networks())
	carries := map[peer.ID]bool{} // relays that do, for calls of ours
	for _, conn := range n.swarm.Conns() {
		if relay := maddrs.RelayOf(conn.RemoteMultiaddr()); relay != "" && n.linkOf(conn).calls() > 0 {
			carries[relay] = true
		}
	}
	var group sync.WaitGroup
	for _, conn := range n.swarm.Conns() {
		age := time.Since(conn.Stat().Opened)
		switch over := maddrs.Transport(conn.RemoteMultiaddr()); {
		case over == "relay": // ends with the connection to the relay
			if age > punching {
				n.leaveRelays(conn.RemotePeer())
			}
		case n.linkOf(conn).calls() > 0, carries[conn.RemotePeer()], over == "tcp" &&
			age < unnoticed:
			group.Go(func() { n.stillThere(conn) })
		default:
			conn.Close()
		}
	}
	signal(n.reach.moved)
	n.reach.ports.moved()
	n.finder.Moved()
	group.Wait()
	n.finder.Moved() // to replace those that were lost
	signal(n.reach.moved)
}

// stillThere closes a connection over which nothing comes back, and says whether it
// lives. One with calls that have been answered may take longer: a busy machine shall not
// cost them.
func (n *Node) stillThere(conn network.Conn) bool {
	l := n.linkOf(conn)
	wait := stillWait
	if l.calls() > int(l.asking.Load()) {
		wait *= 3
	}
	ctx, cancel := context.WithTimeout(n.tasks.Context(), wait)
	defer cancel()
	heard := l.heard.Load()
	if l.ping(ctx) == nil {
		l.hear()
	}
	if ctx.Err() != nil && n.tasks.Context().Err() == nil && l.heard.Load() == heard {
		conn.Close()
	}
	return !conn.IsClosed()
}

// doubtPeer looks, meanwhile, which ways to a peer live of which nothing was heard since:
// the connections to it, and those to its relays.
func (n *Node) doubtPeer(id peer.ID, since time.Time) {
	addrs := n.host.Peerstore().Addrs(id)
	suspects := n.swarm.ConnsToPeer(id)
	for _, conn := range suspects {
		addrs = append(addrs, conn.RemoteMultiaddr())
	}
	asked := map[peer.ID]bool{"": true}
	for _, addr := range addrs {
		if relay := maddrs.RelayOf(addr); !asked[relay] {
			asked[relay] = true
			suspects = append(suspects, n.swarm.ConnsToPeer(relay)...)
		}
	}
	for _, conn := range suspects {
		if n.linkOf(conn).heard.Load() < since.UnixNano() {
			n.tasks.Go(func() { n.stillThere(conn) })
		}
	}
}

// doubt is called by the host when there is a connection. A peer that comes while we have
// it directly may have lost that connection: as long as we believe in it, we don't punch
// a hole for another, and those whom we relay to it are sent into the void.
func (n *Node) doubt(_ network.Network, conn network.Conn) {
	if conn.Stat().Direction != network.DirInbound {
		return
	}
	for _, other := range n.swarm.ConnsToPeer(conn.RemotePeer()) {
		// one with calls is watched anyway, with more patience
		if other != conn && detour(other) == 0 && n.linkOf(other).calls() == 0 {
			n.tasks.Go(func() { n.stillThere(other) })
		}
	}
}

// refresh takes in the addresses that this machine has now, and returns them.
func (r *reach) refresh() []netip.Addr {
	own := r.look()
	r.addresses.Store(&own)
	return own
}

// signal leaves a token, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
