package pipe

import (
	"encoding/binary"
	"net"
	"syscall"
)

// tcpClose is a state from <linux/tcp_states.h>. TCP_INFO has the state in its first byte.
const tcpClose = 7

// isClosed reports whether a connection is closed both ways, by a reset or in order.
func isClosed(conn *net.TCPConn) (closed bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	raw.Control(func(fd uintptr) {
		info, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO)
		closed = err == nil && binary.NativeEndian.AppendUint32(nil, uint32(info))[0] == tcpClose
	})
	return closed
}
