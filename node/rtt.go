package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/quic-go/quic-go"
)

// rtt is how long the other end of a connection takes to answer, or 0 if nobody has measured that. QUIC does so all the
// time; elsewhere it is what the last ping found, and those go out while there are calls.
func (n *Node) rtt(conn network.Conn) time.Duration {
	var q *quic.Conn
	if conn.As(&q) {
		return q.ConnectionStats().SmoothedRTT
	}
	n.mu.Lock()
	l := n.links[conn]
	n.mu.Unlock()
	if l == nil {
		return 0
	}
	return time.Duration(l.rtt.Load())
}
