package node

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-reuseport"

	"github.com/cell-mesh/cell/node/transport"
)

// newNode makes a node on loopback that is closed with the test; it does not run.
func newNode(t *testing.T, port int) (*Node, error) {
	t.Helper()
	n, err := New(Config{Identity: testIdentity(t), Mesh: "none", NoMDNS: true,
		Listen: []netip.Addr{loopback}, Port: port})
	if err == nil {
		t.Cleanup(func() { n.Close() })
	}
	return n, err
}

func portOf(n *Node) int { return n.sockets.Port() }

func TestPortTaken(t *testing.T) {
	first, err := newNode(t, 0)
	if err != nil {
		t.Fatal(err)
	}
	port := portOf(first)
	if _, err := newNode(t, port); err == nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("port %d is in use (udp 127.0.0.1): choose "+
			"another with --port", port)) {
		t.Errorf("same port: %v", err)
	}
	second, err := newNode(t, 0)
	if err != nil {
		t.Fatal(err)
	}
	if portOf(second) == port {
		t.Errorf("both have port %d", port)
	}
	first.Close()
	if _, err := newNode(t, port); err != nil {
		t.Errorf("after close: %v", err)
	}
}

// TestPortShared is for a listener with SO_REUSEPORT, as every libp2p program has: the
// kernel would let us share it.
func TestPortShared(t *testing.T) {
	other, err := reuseport.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	port := other.Addr().(*net.TCPAddr).Port
	if _, err := newNode(t, port); err == nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("port %d is in use (tcp 127.0.0.1)", port)) {
		t.Errorf("got %v", err)
	}
	// What the failure took must be free again.
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatalf("udp port is still held: %v", err)
	}
	conn.Close()
}

func TestListensEverywhere(t *testing.T) {
	n, err := New(Config{Identity: testIdentity(t), Mesh: "none", NoMDNS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	port := portOf(n)
	for _, ip := range transport.AllIPs() {
		host := map[bool]string{true: "127.0.0.1", false: "::1"}[ip.Is4()]
		conn, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			t.Errorf("tcp: %v", err)
			continue
		}
		conn.Close()
		if _, err := net.ListenUDP(map[bool]string{true: "udp4", false: "udp6"}[ip.Is4()],
			&net.UDPAddr{Port: port}); err == nil {
			t.Errorf("udp %s is not held", ip)
		}
	}
}

func TestListenFails(t *testing.T) {
	elsewhere := netip.MustParseAddr("192.0.2.1") // nobody's
	_, err := New(Config{Identity: testIdentity(t), Mesh: "none", NoMDNS: true,
		Listen: []netip.Addr{loopback, elsewhere}})
	if err == nil || !strings.Contains(err.Error(), "listen udp 192.0.2.1:") {
		t.Errorf("got %v", err)
	}
}

func TestBadConfig(t *testing.T) {
	const id = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo"
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"mesh":      {Config{Mesh: "My Mesh"}, `mesh "My Mesh"`},
		"long mesh": {Config{Mesh: strings.Repeat("m", 33)}, "up to 32"},
		"no peer": {Config{Mesh: "lab", Bootstrap: []string{"/ip4/127.0.0.1/tcp/4433"}},
			"bootstrap /ip4/127.0.0.1/tcp/4433: "},
		"no address": {Config{Mesh: "lab", Bootstrap: []string{"/p2p/" + id}},
			"bootstrap /p2p/"},
		"no multiaddr": {Config{Mesh: "lab", Bootstrap: []string{"127.0.0.1:4433"}},
			"bootstrap 127.0.0.1:4433: "},
		"mesh none": {Config{Mesh: "none",
			Bootstrap: []string{"/ip4/127.0.0.1/tcp/4433/p2p/" + id}}, `"none" has no peers`},
		"libp2p's opinion": {Config{Mesh: "none", Options: []libp2p.Option{libp2p.RandomIdentity}},
			"identities"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Identity, c.cfg.NoMDNS = testIdentity(t), true
			c.cfg.Listen = []netip.Addr{loopback}
			n, err := New(c.cfg)
			if err == nil {
				n.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, c.want)
			}
		})
	}
	if _, err := New(Config{}); err == nil {
		t.Error("made a node without an identity")
	}
}
