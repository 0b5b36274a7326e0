package internet

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// Socket is a UDP socket of a host.
type Socket struct {
	host *Host
	at   netip.AddrPort

	mu      sync.Mutex
	changed sync.Cond
	queue   []packet
	closed  bool
	readBy  time.Time
	alarm   *time.Timer // wakes readers at readBy
}

var _ net.PacketConn = (*Socket)(nil)

// maxQueue is how many packets a socket holds. More are dropped.
const maxQueue = 2048

func newSocket(h *Host, at netip.AddrPort) *Socket {
	s := &Socket{host: h, at: at}
	s.changed.L = &s.mu
	return s
}

// put adds a packet that has arrived, and reports whether there was room.
func (s *Socket) put(p packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.queue) == maxQueue {
		return false
	}
	s.queue = append(s.queue, p)
	s.changed.Signal()
	return true
}

// ReadFrom waits for a packet. The part that does not fit into b is lost.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 {
		switch {
		case s.closed:
			return 0, nil, s.fail("read", net.ErrClosed)
		case !s.readBy.IsZero() && !time.Now().Before(s.readBy):
			return 0, nil, s.fail("read", os.ErrDeadlineExceeded)
		}
		s.changed.Wait()
	}
	p := s.queue[0]
	s.queue[0] = packet{}
	if s.queue = s.queue[1:]; len(s.queue) == 0 {
		s.queue = nil // saves memory: most sockets are idle most of the time
	}
	return copy(b, p.data), net.UDPAddrFromAddrPort(p.from), nil
}

// WriteTo sends a packet, which may get lost.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, s.fail("write", fmt.Errorf("a UDP socket can't send to a %T", to))
	}
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return 0, s.fail("write", net.ErrClosed)
	}
	at := udp.AddrPort()
	at = netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())
	if at.Addr().Is4() != s.at.Addr().Is4() {
		return 0, s.fail("write", syscall.ENETUNREACH)
	}
	s.host.send(packet{from: s.at, to: at, data: bytes.Clone(b)})
	return len(b), nil
}

func (s *Socket) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: s.LocalAddr(), Err: err}
}

// Close frees the port and makes pending reads fail.
func (s *Socket) Close() error {
	s.host.mu.Lock()
	if s.host.sockets[s.at] == s {
		delete(s.host.sockets, s.at)
	}
	s.host.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.fail("close", net.ErrClosed)
	}
	s.closed, s.queue = true, nil
	s.stopAlarm()
	s.changed.Broadcast()
	return nil
}

// LocalAddr returns the socket's address, a *net.UDPAddr.
func (s *Socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.at) }

// SetDeadline is SetReadDeadline: writes never block.
func (s *Socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writes never block.
func (s *Socket) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets the deadline for pending and future reads.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.fail("set deadline", net.ErrClosed)
	}
	s.stopAlarm()
	s.readBy = t
	// No timer for a deadline in the past: readers are woken below, and in a bubble such
	// timers can crash the race detector (golang/go#78156).
	if left := time.Until(t); left > 0 {
		s.alarm = time.AfterFunc(left, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
	s.changed.Broadcast()
	return nil
}

// stopAlarm needs s.mu.
func (s *Socket) stopAlarm() {
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
}

// SetReadBuffer does nothing: a socket holds maxQueue packets.
func (s *Socket) SetReadBuffer(int) error { return nil }

// SetWriteBuffer does nothing.
func (s *Socket) SetWriteBuffer(int) error { return nil }
