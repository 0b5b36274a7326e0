package pipe

import (
	"encoding/binary"
	"net"
	"syscall"
)

// tcpClose is a state of <linux/tcp_states.h>, the first byte of what TCP_INFO tells.
const tcpClose = 7

// isClosed says whether a connection is over both ways, be it by a reset or in order.
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
