package peerconn

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/maddrs"
)

// ProbeWait is how long a connection has to prove that it is alive when there is reason to
// doubt it.
const ProbeWait = time.Second

// Probe pings a connection, closes it if nothing comes back, and reports whether it is
// alive. A connection with calls that were answered gets three times as long, because a
// busy machine must not lose them.
func (s *Set) Probe(conn network.Conn) bool {
	c := s.Of(conn)
	wait := ProbeWait
	if c.calls() > int(c.asking.Load()) {
		wait *= 3
	}
	ctx, cancel := context.WithTimeout(s.tasks.Context(), wait)
	defer cancel()
	heard := c.heard.Load()
	if _, err := c.Ping(ctx); err == nil {
		c.Hear()
	}
	if ctx.Err() != nil && s.tasks.Context().Err() == nil && c.heard.Load() == heard {
		conn.Close()
	}
	return !conn.IsClosed()
}

// Suspect probes, in the background, all ways to a peer on which nothing was heard since a
// moment: the connections to it and those to its relays.
func (s *Set) Suspect(id peer.ID, since time.Time) {
	addrs := s.host.Peerstore().Addrs(id)
	suspects := s.host.Network().ConnsToPeer(id)
	for _, conn := range suspects {
		addrs = append(addrs, conn.RemoteMultiaddr())
	}
	asked := map[peer.ID]bool{"": true}
	for _, addr := range addrs {
		if relay := maddrs.RelayOf(addr); !asked[relay] {
			asked[relay] = true
			suspects = append(suspects, s.host.Network().ConnsToPeer(relay)...)
		}
	}
	for _, conn := range suspects {
		if s.Of(conn).Heard().Before(since) {
			s.tasks.Go(func() { s.Probe(conn) })
		}
	}
}
