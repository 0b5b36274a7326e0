package socket

import (
	"net"
	"os"
)

// SameUser reports whether the process at the other end runs as this process's user, or root.
func SameUser(conn *net.UnixConn) bool {
	_, uid, err := Owner(conn)
	return err == nil && (uid == os.Geteuid() || uid == 0)
}
