package rawio

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP returns a PacketConn with a cheaper ReadBatch and WriteMsgUDP, which is what
// quic-go's Transport calls. Once ReadBatch was called, don't read in any other way.
// Closing it closes the socket.
func UDP(conn *net.UDPConn) net.PacketConn {
	raw, err := conn.SyscallConn()
	if err != nil || !enabled {
		return conn
	}
	d := &datagrams{UDPConn: conn, raw: raw}
	d.in.try, d.out.try = d.in.tryRead, d.out.tryWrite
	return d
}

type datagrams struct {
	*net.UDPConn
	raw syscall.RawConn
	in  receiver
	out sender
}

type msgCall func(fd uintptr, head *unix.Msghdr) (n uintptr, errno syscall.Errno)

func sendmsg(fd uintptr, head *unix.Msghdr) (uintptr, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(head)), 0)
	return n, errno
}

func recvmsg(fd uintptr, head *unix.Msghdr) (uintptr, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(head)), 0)
	return n, errno
}

func ordinaryRecvmsg(fd uintptr, head *unix.Msghdr) (uintptr, syscall.Errno) {
	n, _, errno := syscall.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(head)), 0)
	return n, errno
}

// message repeats a call until no signal interrupts it.
func message(call msgCall, fd uintptr, head *unix.Msghdr) (int, error) {
	for {
		n, errno := call(fd, head)
		if errno == 0 {
			return int(n), nil
		}
		if errno != syscall.EINTR {
			return 0, errno
		}
	}
}
