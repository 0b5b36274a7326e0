package peerconn

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// measuring is the value of Conn.rtt while the first ping is under way.
const measuring = -1

// RTT returns the round-trip time of a connection, or 0 if it is not known yet. QUIC
// measures it all the time. Elsewhere it is the result of the last ping; if there was none,
// RTT sends one now, so that a later call knows.
func (s *Set) RTT(conn network.Conn) time.Duration {
	var q *quic.Conn
	if conn.As(&q) {
		return q.ConnectionStats().SmoothedRTT
	}
	c := s.Of(conn)
	if c.rtt.CompareAndSwap(0, measuring) {
		s.tasks.Go(func() {
			ctx, cancel := context.WithTimeout(s.tasks.Context(), PingWait)
			defer cancel()
			if _, err := c.Ping(ctx); err != nil {
				c.rtt.CompareAndSwap(measuring, 0)
			}
		})
	}
	return max(0, time.Duration(c.rtt.Load()))
}
