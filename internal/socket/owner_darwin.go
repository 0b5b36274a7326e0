package socket

import (
	"encoding/binary"
	"net"
	"syscall"
)

// From <sys/un.h>; the syscall package does not name them.
const (
	solLocal      = 0
	localPeerCred = 1
	localPeerPID  = 2
)

// Owner returns the process at the other end of a connection, which listens there or has
// dialled, from LOCAL_PEERPID and LOCAL_PEERCRED.
func Owner(conn *net.UnixConn) (pid, uid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		if pid, err = syscall.GetsockoptInt(int(fd), solLocal, localPeerPID); err != nil {
			return
		}
		// A struct xucred begins with a 32-bit version and the 32-bit uid; an IPMreq is
		// eight bytes to hold them.
		var cred *syscall.IPMreq
		if cred, err = syscall.GetsockoptIPMreq(int(fd), solLocal, localPeerCred); err == nil {
			uid = int(binary.NativeEndian.Uint32(cred.Interface[:]))
		}
	})
	if err == nil {
		err = ctlErr
	}
	return pid, uid, err
}
