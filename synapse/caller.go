package synapse

import (
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/socket"
)

// Caller is the remote address of an accepted connection. It is a net.Addr.
type Caller struct {
	// Peer is the peer ID of the calling machine, verified by its key. It is empty if the
	// caller is a process on this machine that connected directly.
	Peer string
	// PID and UID identify a process on this machine. They are 0 if Peer is set, or if the
	// kernel does not know them.
	PID, UID int
}

// Network returns "cell".
func (c Caller) Network() string { return "cell" }

// String returns the peer ID, or text like "local pid 123 uid 1000".
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
		return Caller{} // the caller has already gone
	}
	return Caller{PID: pid, UID: uid}
}
