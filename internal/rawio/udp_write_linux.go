package rawio

import (
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sender writes one message at a time, like net.UDPConn.
type sender struct {
	try func(fd uintptr) bool // tryWrite, allocated once

	mu   sync.Mutex
	head unix.Msghdr
	part unix.Iovec
	addr sockaddr
	n    int
	err  error
}

// WriteMsgUDP is net.UDPConn's.
func (d *datagrams) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	s := &d.out
	s.mu.Lock()
	defer s.mu.Unlock()
	size := s.addr.set(to, d.LocalAddr().(*net.UDPAddr))
	if size == 0 || len(b) == 0 {
		return d.UDPConn.WriteMsgUDP(b, oob, to)
	}
	s.part.Base = &b[0]
	s.part.SetLen(len(b))
	s.head = unix.Msghdr{Name: s.addr.raw(), Namelen: size, Iov: &s.part,
		Control: unsafe.SliceData(oob)}
	s.head.SetIovlen(1)
	s.head.SetControllen(len(oob))
	err = d.raw.Write(s.try)
	s.part.Base, s.head.Control = nil, nil // the caller owns them
	if err == nil {
		err = s.err
	}
	if err != nil {
		return 0, 0, explain(d, "write", "sendmsg", to, err)
	}
	return s.n, len(oob), nil
}

func (s *sender) tryWrite(fd uintptr) (done bool) {
	s.n, s.err = message(sendmsg, fd, &s.head)
	return s.err != syscall.EAGAIN
}
