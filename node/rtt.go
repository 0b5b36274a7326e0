package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// measuring stands in a link for a time that is about to be known.
const measuring = -1

// rtt is how long the other end of a connection takes to answer, or 0 if nobody has
// measured that. QUIC does so all the time; elsewhere it is what the last ping found.
// Where there was none, one goes out now, and whoever asks again will know.
func (n *Node) rtt(conn network.Conn) time.Duration {
	var q *quic.Conn
	if conn.As(&q) {
		return q.ConnectionStats().SmoothedRTT
	}
	l := n.linkOf(conn)
	if l.rtt.CompareAndSwap(0, measuring) {
		n.tasks.Go(func() {
			ctx, cancel := context.WithTimeout(n.tasks.Context(), pingWait)
			defer cancel()
			if l.ping(ctx) != nil {
				l.rtt.CompareAndSwap(measuring, 0)
			}
		})
	}
	return max(0, time.Duration(l.rtt.Load()))
}
