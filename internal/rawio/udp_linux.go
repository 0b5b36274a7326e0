package rawio

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP returns the socket for quic-go's Transport, or whatever else reads by ReadBatch and
// writes by WriteMsgUDP, as these take less. It is to be read by nothing else once
// ReadBatch was called. Closing it closes the socket.
func UDP(conn *net.UDPConn) net.PacketConn {
	raw, err := conn.SyscallConn()
	if err != nil {
		return conn
	}
	d := &datagrams{UDPConn: conn, raw: raw}
	d.in.try, d.out.try = d.in.tryRead, d.out.tryWrite
	return d
}

// datagrams is a socket that UDP has made.
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

func recvmsgTold(fd uintptr, head *unix.Msghdr) (uintptr, syscall.Errno) {
	n, _, errno := syscall.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(head)), 0)
	return n, errno
}

// message makes a call until no signal interrupts it.
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
