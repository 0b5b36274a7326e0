package internet

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/testnet/natlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// delay is that of the lines of all tests that do not say otherwise; no packet is longer
// under way than patience.
const (
	delay    = 10 * time.Millisecond
	patience = time.Second
)

// world is an internet in virtual time.
type world struct {
	t *testing.T
	*Internet
}

// inWorld runs a test in an internet of its own.
func inWorld(t *testing.T, test func(w world)) {
	synctest.Test(t, func(t *testing.T) {
		i := New(1)
		defer i.Close()
		test(world{t, i})
	})
}

// host adds a host in a site of its own.
func (w world) host(kind natlab.Kind) *Host {
	w.t.Helper()
	return w.neighbours(kind, 1)[0]
}

// neighbours adds hosts in one site.
func (w world) neighbours(kind natlab.Kind, n int) (hosts []*Host) {
	w.t.Helper()
	site, err := w.Site(kind, Link{Delay: delay})
	check(w.t, err)
	for range n {
		h, err := site.Host()
		check(w.t, err)
		hosts = append(hosts, h)
	}
	return hosts
}

// udp is a socket that fails its test when something is wrong with it.
type udp struct {
	t *testing.T
	*Socket
}

// listen opens a socket at one of a host's addresses.
func (w world) listen(on *Host, address int, port uint16) *udp {
	w.t.Helper()
	s, err := on.ListenUDP(netip.AddrPortFrom(on.Addrs()[address], port))
	check(w.t, err)
	return &udp{w.t, s}
}

func (s *udp) send(text string, to netip.AddrPort) {
	s.t.Helper()
	_, err := s.WriteTo([]byte(text), net.UDPAddrFromAddrPort(to))
	check(s.t, err)
}

// hear returns the next packet, or "" if there is none.
func (s *udp) hear() (string, netip.AddrPort) {
	s.t.Helper()
	check(s.t, s.SetReadDeadline(time.Now().Add(patience)))
	buf := make([]byte, 2*MTU)
	n, from, err := s.ReadFrom(buf)
	if err != nil {
		return "", netip.AddrPort{}
	}
	return string(buf[:n]), from.(*net.UDPAddr).AddrPort()
}

// call sends a packet to another socket and returns where that saw it come from.
func (s *udp) call(to *udp) netip.AddrPort {
	s.t.Helper()
	s.send("call", to.at)
	text, seen := to.hear()
	if text != "call" {
		s.t.Fatalf("%v heard %q from %v", to.at, text, s.at)
	}
	return seen
}

// reaches says whether a packet to an address arrives at a socket.
func (s *udp) reaches(to *udp, at netip.AddrPort) bool {
	s.t.Helper()
	s.send("knock", at)
	text, _ := to.hear()
	return text == "knock"
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
