package adapter

import (
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/socket"
)

// callerOf returns the caller in the format of synapse.Caller: a peer's ID, or a process on
// this machine.
func callerOf(conn *net.UnixConn) string {
	if peer, ok := socket.Caller(conn.RemoteAddr().String()); ok {
		return peer
	}
	pid, uid, _ := socket.Owner(conn) // zeros if it is gone already
	return fmt.Sprintf("local pid %d uid %d", pid, uid)
}
