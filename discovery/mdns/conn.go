package mdns

import (
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// sendWait bounds one send: a full queue of an interface is no reason to wait.
const sendWait = 200 * time.Millisecond

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: 5353}
)

// conn is the socket of one IP version, in the multicast group on every interface that allows it.
type conn interface {
	// join enters the group on an interface. It fails where we are in it already, too.
	join(*net.Interface) error
	// read returns a packet that was sent to the group, and the index of the interface.
	read(buf []byte) (n, iface int, err error)
	// send sends a packet to the group on an interface.
	send(packet []byte, iface int) error
	Close() error
}

type conn4 struct {
	*net.UDPConn
	*ipv4.PacketConn
}

func (c conn4) Close() error { return c.UDPConn.Close() }

// listen4 opens the port, which it shares with other programs: net sets SO_REUSEADDR for multicast.
func listen4() (conn, error) {
	udp, err := net.ListenUDP("udp4", group4)
	if err != nil {
		return nil, err
	}
	c := conn4{udp, ipv4.NewPacketConn(udp)}
	err = errors.Join(c.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true),
		c.SetMulticastTTL(255), c.SetMulticastLoopback(true))
	if err != nil {
		udp.Close()
		return nil, err
	}
	return c, nil
}

func (c conn4) join(i *net.Interface) error { return c.JoinGroup(i, group4) }

func (c conn4) read(buf []byte) (n, iface int, err error) {
	for {
		n, control, _, err := c.PacketConn.ReadFrom(buf)
		if err != nil {
			return 0, 0, err
		}
		if control != nil && control.Dst.Equal(group4.IP) {
			return n, control.IfIndex, nil
		}
	}
}

func (c conn4) send(packet []byte, iface int) error {
	c.UDPConn.SetWriteDeadline(time.Now().Add(sendWait))
	_, err := c.PacketConn.WriteTo(packet, &ipv4.ControlMessage{IfIndex: iface}, group4)
	return err
}

type conn6 struct {
	*net.UDPConn
	*ipv6.PacketConn
}

func (c conn6) Close() error { return c.UDPConn.Close() }

func listen6() (conn, error) {
	udp, err := net.ListenUDP("udp6", group6)
	if err != nil {
		return nil, err
	}
	c := conn6{udp, ipv6.NewPacketConn(udp)}
	err = errors.Join(c.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true),
		c.SetMulticastHopLimit(255), c.SetMulticastLoopback(true))
	if err != nil {
		udp.Close()
		return nil, err
	}
	return c, nil
}

func (c conn6) join(i *net.Interface) error { return c.JoinGroup(i, group6) }

func (c conn6) read(buf []byte) (n, iface int, err error) {
	for {
		n, control, _, err := c.PacketConn.ReadFrom(buf)
		if err != nil {
			return 0, 0, err
		}
		if control != nil && control.Dst.Equal(group6.IP) {
			return n, control.IfIndex, nil
		}
	}
}

func (c conn6) send(packet []byte, iface int) error {
	c.UDPConn.SetWriteDeadline(time.Now().Add(sendWait))
	_, err := c.PacketConn.WriteTo(packet, &ipv6.ControlMessage{IfIndex: iface}, group6)
	return err
}

// socket is a conn that is opened when it is first needed, and again after it broke: an interface
// that goes down can end a read.
type socket struct {
	listen func() (conn, error)
	handle func(packet []byte, iface int)

	readers sync.WaitGroup
	mu      sync.Mutex
	open    conn // nil while there is none
}

// get returns the conn, in the group on each of the interfaces that let it in.
func (s *socket) get(interfaces []net.Interface) (conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		c, err := s.listen()
		if err != nil {
			return nil, err
		}
		s.open = c
		s.readers.Go(func() { s.readAll(c) })
	}
	for i := range interfaces {
		// most often we are in it; where we can't be, others hear us still
		s.open.join(&interfaces[i])
	}
	return s.open, nil
}

// readAll ends with the conn.
func (s *socket) readAll(c conn) {
	buf := make([]byte, 9000) // the most that mDNS allows (RFC 6762, 17)
	for {
		n, iface, err := c.read(buf)
		if err != nil {
			s.drop(c)
			return
		}
		s.handle(buf[:n], iface)
	}
}

func (s *socket) drop(c conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Close()
	if s.open == c {
		s.open = nil
	}
}

// close returns when nothing is handled any more.
func (s *socket) close() {
	s.mu.Lock()
	if s.open != nil {
		s.open.Close()
	}
	s.mu.Unlock()
	s.readers.Wait()
}
