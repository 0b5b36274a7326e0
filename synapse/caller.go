package synapse

import (
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/socket"
)

// Caller says who is at the other end of an accepted connection. It is a net.Addr.
type Caller struct {
	// Peer is the peer ID of the machine that calls, as its key proved it. If empty, the
	// caller is a process of this machine that connected by itself.
	Peer string
	// PID and UID are those of a process of this machine; they are 0 when the kernel did not tell,
	// and for a Peer.
	PID, UID int
}

// Network returns "cell".
func (c Caller) Network() string { return "cell" }

// String prints the peer ID, or "local pid 123 uid 1000".
func (c Caller) String() string {
	if c.Peer != "" {
		return c.Peer
	}
	return fmt.Sprintf("local pid %d uid %d", c.PID, c.UID)
}

func callerOf(conn *net.UnixConn) Caller {
	if peer, ok := socket.Caller(conn.RemoteAddr().String()); ok {
		return Caller{Peer: peer}
	}
	pid, uid, err := socket.Owner(conn)
	if err != nil {
		return Caller{} // it has gone already
	}
	return Caller{PID: pid, UID: uid}
}
