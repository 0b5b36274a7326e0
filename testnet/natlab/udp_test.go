//go:build linux

package natlab

import (
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// patience bounds the wait for a packet that must arrive.
const patience = 5 * time.Second

// udp is a socket on a host.
type udp struct {
	*net.UDPConn
	t  *testing.T
	on *Host
	at netip.AddrPort // its own address
}

func listenUDP(t *testing.T, on *Host, addr netip.Addr, port int) *udp {
	t.Helper()
	s := &udp{t: t, on: on}
	check(t, on.Do(func() (err error) {
		s.UDPConn, err = net.ListenUDP("udp",
			net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(port))))
		return err
	}))
	t.Cleanup(func() { s.Close() })
	s.at = s.LocalAddr().(*net.UDPAddr).AddrPort()
	return s
}

func (s *udp) send(text string, to netip.AddrPort) {
	s.t.Helper()
	_, err := s.WriteToUDPAddrPort([]byte(text), to)
	check(s.t, err)
}

// hear returns the next packet.
func (s *udp) hear() (text string, from netip.AddrPort) {
	s.t.Helper()
	s.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 2048)
	n, from, err := s.ReadFromUDPAddrPort(buf)
	check(s.t, err)
	return string(buf[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// heard returns all that has arrived so far: what comes before a packet to itself.
func (s *udp) heard() (texts []string) {
	s.t.Helper()
	s.send("so far", s.at)
	for {
		text, from := s.hear()
		if from == s.at {
			return texts
		}
		texts = append(texts, text)
	}
}

// call sends a packet to another socket and returns where that saw it come from.
func (s *udp) call(to *udp) (seen netip.AddrPort) {
	s.t.Helper()
	s.send("call", to.at)
	for {
		if text, seen := to.hear(); text == "call" {
			return seen
		}
	}
}

// reaches says whether a packet to an address arrives at a socket. There is no waiting
// for one that does not: a packet that follows on the same way, and arrives because
// another socket there has called us, says that it is over.
func (s *udp) getsThrough(to *udp, seenAt netip.AddrPort) bool {
	s.t.Helper()
	witness := listenUDP(s.t, to.on, to.at.Addr(), 0)
	way := witness.call(s)
	s.send("knock", seenAt)
	s.send("over", way)
	if text, _ := witness.hear(); text != "over" {
		s.t.Fatalf("heard %q", text)
	}
	return slices.Contains(to.heard(), "knock")
}

// dialTCP connects two hosts and returns where the callee saw the caller. When it
// returns, what the caller has sent before has arrived or never will.
func dialTCP(t *testing.T, from, to *Host) (seen netip.AddrPort) {
	t.Helper()
	var listener net.Listener
	check(t, to.Do(func() (err error) {
		listener, err = net.Listen("tcp", netip.AddrPortFrom(to.Addr, 0).String())
		return err
	}))
	defer listener.Close()
	check(t, from.Do(func() error {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), patience)
		if err == nil {
			conn.Close()
		}
		return err
	}))
	conn, err := listener.Accept()
	check(t, err)
	defer conn.Close()
	return conn.RemoteAddr().(*net.TCPAddr).AddrPort()
}

// mdns is a group whose packets stay on their network.
var mdns = netip.MustParseAddr("224.0.0.251")

// listenMulticast joins the group on a host.
func listenMulticast(t *testing.T, on *Host) *udp {
	t.Helper()
	s := &udp{t: t, on: on}
	check(t, on.Do(func() error {
		device, err := net.InterfaceByName(uplink)
		if err != nil {
			return err
		}
		s.UDPConn, err = net.ListenMulticastUDP("udp4", device,
			&net.UDPAddr{IP: mdns.AsSlice(), Port: 5353})
		return err
	}))
	t.Cleanup(func() { s.Close() })
	s.at = s.LocalAddr().(*net.UDPAddr).AddrPort()
	return s
}
