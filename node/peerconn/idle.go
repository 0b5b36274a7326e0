package peerconn

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/node/maddrs"
)

// idleFor is how long an unused connection lasts at least. It lasts at most twice as long.
const idleFor = 30 * time.Second

// CloseIdle closes unused connections until ctx ends: those that we have made over TCP or
// a relay, that carry nothing and that are not protected. QUIC closes its own idle
// connections; yamux, which the others speak, keeps them alive for good. Connections that
// peers have made are theirs to close.
func (s *Set) CloseIdle(ctx context.Context) {
	ticks := time.NewTicker(idleFor)
	defer ticks.Stop()
	was := map[network.Conn]bool{} // idle at the last tick
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		idle := map[network.Conn]bool{}
		for _, conn := range s.host.Network().Conns() {
			switch {
			case conn.Stat().Direction != network.DirOutbound ||
				maddrs.Transport(conn.RemoteMultiaddr()) == maddrs.QUIC:
			case conn.Stat().NumStreams > 0 ||
				s.host.ConnManager().IsProtected(conn.RemotePeer(), ""):
			case was[conn]:
				conn.Close()
			default:
				idle[conn] = true
			}
		}
		was = idle
	}
}
