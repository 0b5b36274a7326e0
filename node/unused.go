package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/node/maddrs"
)

// unusedFor is how long a connection lasts that nobody uses, and at most twice that.
const unusedFor = 30 * time.Second

// endUnused closes, until ctx ends, connections of ours over TCP and through relays that
// carry nothing and that we do not hold on to. Those over QUIC end by themselves; yamux,
// which the others speak, keeps its connections alive for good. What others have made is
// for them to end.
func (n *Node) endUnused(ctx context.Context) {
	ticks := time.NewTicker(unusedFor)
	defer ticks.Stop()
	was := map[network.Conn]bool{} // unused at the last look
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		unused := map[network.Conn]bool{}
		for _, conn := range n.swarm.Conns() {
			switch {
			case conn.Stat().Direction != network.DirOutbound ||
				maddrs.Transport(conn.RemoteMultiaddr()) == "quic":
			case conn.Stat().NumStreams > 0 ||
				n.host.ConnManager().IsProtected(conn.RemotePeer(), ""):
			case was[conn]:
				conn.Close()
			default:
				unused[conn] = true
			}
		}
		was = unused
	}
}
