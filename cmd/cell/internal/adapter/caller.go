package adapter

import (
	"fmt"
	"net"

	"github.com/cell-mesh/cell/internal/socket"
)

// callerOf says who calls, in the words of synapse.Caller: a peer by its ID, or a process
// of this machine.
func callerOf(conn *net.UnixConn) string {
	if peer, ok := socket.Caller(conn.RemoteAddr().String()); ok {
		return peer
	}
	pid, uid, _ := socket.Owner(conn) // zeros if it has gone already
	return fmt.Sprintf("local pid %d uid %d", pid, uid)
}
