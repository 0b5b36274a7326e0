package doctor

import (
	"net"
	"net/netip"
	"testing"
)

func TestNetwork(t *testing.T) {
	none, easy, one := NAT{"none", []string{"198.51.100.7:4433"}}, NAT{"same port",
		[]string{"203.0.113.5:9"}}, NAT{"one view", []string{"203.0.113.5:9"}}
	symmetric, unknown := NAT{"symmetric", []string{"203.0.113.5:1",
		"203.0.113.5:2"}}, NAT{Kind: "unknown"}
	opens := Router{At: "192.168.1.1", By: "UPnP",
		Opened: []string{"203.0.113.5:9 (UDP)", "203.0.113.5:9 (TCP)"}}
	for _, c := range []struct {
		in    Network
		name  string
		state State
		words string
	}{
		{Network{UDP: none}, "UDP", OK, "no NAT"},
		{Network{UDP: easy}, "UDP", OK, "hole punching works"},
		{Network{UDP: one}, "UDP", OK, "NAT of unknown kind"},
		{Network{UDP: symmetric}, "UDP", Note,
			"different port for each peer (symmetric): 203.0.113.5:1, 203.0.113.5:2; calls"},
		{Network{UDP: symmetric, Router: opens}, "UDP", OK, "the port that the router opened"},
		{Network{Router: opens, Reachability: "public"}, "router", OK,
			"192.168.1.1 opened 203.0.113.5:9 (UDP) and 203.0.113.5:9 (TCP) by UPnP"},
		{Network{Router: opens, Reachability: "private"}, "router", OK, "no peer has used it"},
		{Network{Router: Router{At: "192.168.1.1", Why: "no answer"}}, "router", Note,
			"192.168.1.1 opens no ports: no answer"},
		{Network{Router: Router{At: "192.168.1.1", Why: "no answer"}, Reachability: "public"},
			"router", OK, "opens no ports"},
		{Network{Router: Router{At: "192.168.1.1", By: "UPnP", Why: "refuses"}}, "router", Note,
			"supports UPnP, but opens no port: refuses"},
		{Network{UDP: unknown, TCP: easy}, "UDP", Note, "a firewall may block it"},
		{Network{UDP: unknown, TCP: easy}, "TCP", OK, "hole punching works"},
		{Network{UDP: unknown, TCP: unknown}, "UDP", OK, "no peer on the Internet"},
		{Network{Reachability: "public"}, "reachable", OK, "from the Internet"},
		{Network{Reachability: "private", Relays: []string{"laptop"}}, "reachable", OK, "laptop"},
		{Network{Reachability: "private"}, "reachable", Note, "no relay"},
		{Network{Reachability: "unknown"}, "reachable", OK, "unknown so far"},
		{Network{Mesh: "none"}, "mesh", OK, "none"},
		{Network{Mesh: "home", Members: 3, Missing: []string{"x: no answer"}}, "mesh", OK,
			"known: 3"},
		{Network{Mesh: "home", Missing: []string{"x: no answer"}}, "mesh", Bad, "x: no answer"},
		{Network{Mesh: "home", Missing: []string{"x: no answer"}, Joining: true}, "mesh", OK,
			"joining"},
		{Network{Mesh: "home"}, "mesh", Note, "fine for the first one"},
		{Network{Near: -1}, "mDNS", OK, "off"},
		{Network{Near: 2}, "mDNS", OK, "local network: 2"},
		{Network{Loopback: true, Mesh: "none"}, "listening", Note, "listens on loopback"},
	} {
		want(t, c.in.Check(), c.name, c.state, c.words)
	}
	for mesh, up := range map[string]string{"public": "cell up", "home": "cell up --mesh home"} {
		remedy := up + " --bootstrap MULTIADDR, with an address that \"cell up\" prints on " +
			"another member"
		for _, n := range []Network{{Mesh: mesh}, {Mesh: mesh, Missing: []string{"x: no answer"}}} {
			if got := n.mesh().Remedy; got != remedy {
				t.Errorf("mesh %s: remedy %q, want %q", mesh, got, remedy)
			}
		}
	}
	for _, c := range (Network{}).Check() {
		if c.Name == "router" {
			t.Errorf("no router was asked, but got: %+v", c)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, c := range map[string]struct {
		name  string
		state State
		words string
	}{
		"192.168.1.5": {"addresses", OK, "only private addresses (192.168.1.5)"},
		"192.0.2.5":   {"addresses", OK, "only private addresses"},
		"100.70.1.1":  {"addresses", OK, "shared by a carrier"},
		"45.1.0.1":    {"addresses", OK, "public: "},
		"2a01:1::1":   {"IPv6", OK, "2a01:1::1 is global"},
		"fd00::1":     {"IPv6", OK, "no global address"},
	} {
		want(t, Addresses([]netip.Addr{netip.MustParseAddr(text)}), c.name, c.state, c.words)
	}
	want(t, Addresses(nil), "addresses", Note, "only loopback addresses")
}

func TestPort(t *testing.T) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	want(t, Port(port, true, []int{port}), "port", OK, "listens on")
	want(t, Port(port, false, []int{port + 1}), "port", Note,
		"which was in use, or --port changed")
	want(t, Port(port, true, nil), "port", Bad, "in use (tcp): the stem can't start")
	want(t, Port(port, false, nil), "port", Note, "in use (tcp): the stem will use another")
	l.Close()
	want(t, Port(port, true, nil), "port", OK, "is free")
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	want(t, Port(port, false, nil), "port", Note, "in use (udp)")
}
