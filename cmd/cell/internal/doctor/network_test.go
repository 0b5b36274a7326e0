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
		{Network{UDP: none}, "UDP", OK, "there is no NAT"},
		{Network{UDP: easy}, "UDP", OK, "holes can be punched"},
		{Network{UDP: one}, "UDP", OK, "what kind is not known yet"},
		{Network{UDP: symmetric}, "UDP", Note,
			"203.0.113.5:1, 203.0.113.5:2: its NAT takes another port for each"},
		{Network{UDP: symmetric, Router: opens}, "UDP", OK, "where the router lets them in"},
		{Network{Router: opens, Reachability: "public"}, "router", OK,
			"192.168.1.1 lets others in, by UPnP, at 203.0.113.5:9 (UDP) and 203.0.113.5:9 (TCP)"},
		{Network{Router: opens, Reachability: "private"}, "router", OK, "not known yet"},
		{Network{Router: Router{At: "192.168.1.1", Why: "no answer"}}, "router", Note,
			"192.168.1.1 opens no ports: no answer"},
		{Network{Router: Router{At: "192.168.1.1", Why: "no answer"}, Reachability: "public"},
			"router", OK, "opens no ports"},
		{Network{Router: Router{At: "192.168.1.1", By: "UPnP", Why: "refuses"}}, "router", Note,
			"by UPnP, but opens none: refuses"},
		{Network{UDP: unknown, TCP: easy}, "UDP", Note, "a firewall may drop it"},
		{Network{UDP: unknown, TCP: easy}, "TCP", OK, "holes can be punched"},
		{Network{UDP: unknown, TCP: unknown}, "UDP", OK, "not known how"},
		{Network{Reachability: "public"}, "reachable", OK, "from the Internet"},
		{Network{Reachability: "private", Relays: []string{"laptop"}}, "reachable", OK, "laptop"},
		{Network{Reachability: "private"}, "reachable", Note, "no relay"},
		{Network{Reachability: "unknown"}, "reachable", OK, "not known yet"},
		{Network{Mesh: "none"}, "mesh", OK, "none"},
		{Network{Mesh: "home", Members: 3, Missing: []string{"x: no answer"}}, "mesh", OK,
			"known: 3"},
		{Network{Mesh: "home", Missing: []string{"x: no answer"}}, "mesh", Bad, "x: no answer"},
		{Network{Mesh: "home", Missing: []string{"x: no answer"}, Joining: true}, "mesh", OK,
			"about to join"},
		{Network{Mesh: "home"}, "mesh", Note, "right for the first one"},
		{Network{Near: -1}, "mDNS", OK, "is off"},
		{Network{Near: 2}, "mDNS", OK, "seen: 2"},
		{Network{Loopback: true, Mesh: "none"}, "listening", Note, "this machine alone"},
	} {
		want(t, c.in.Check(), c.name, c.state, c.words)
	}
	for mesh, remedy := range map[string]string{
		"public": "cell up --bootstrap MULTIADDR, with an address that \"cell up\" prints at another member",
		"home":   "cell up --mesh home --bootstrap MULTIADDR, with an address that \"cell up\" prints at another member",
	} {
		for _, n := range []Network{{Mesh: mesh}, {Mesh: mesh, Missing: []string{"x: no answer"}}} {
			if got := n.mesh().Remedy; got != remedy {
				t.Errorf("in the mesh %s, it says %q", mesh, got)
			}
		}
	}
	for _, c := range (Network{}).Check() {
		if c.Name == "router" {
			t.Errorf("nobody was asked, but: %+v", c)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, c := range map[string]struct {
		name  string
		state State
		words string
	}{
		"192.168.1.5": {"addresses", OK, "192.168.1.5 is private"},
		"192.0.2.5":   {"addresses", OK, "is private"},
		"100.70.1.1":  {"addresses", OK, "carriers share out"},
		"45.1.0.1":    {"addresses", OK, "is public"},
		"2a01:1::1":   {"IPv6", OK, "2a01:1::1 is global"},
		"fd00::1":     {"IPv6", OK, "no global address"},
	} {
		want(t, Addresses([]netip.Addr{netip.MustParseAddr(text)}), c.name, c.state, c.words)
	}
	want(t, Addresses(nil), "addresses", Note, "no address but its own loopback")
}

func TestPort(t *testing.T) {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	want(t, Port(port, true, []int{port}), "port", OK, "listens on")
	want(t, Port(port, false, []int{port + 1}), "port", Note,
		"was taken when it started, or --port names another")
	want(t, Port(port, true, nil), "port", Bad, "in use (tcp): no stem starts")
	want(t, Port(port, false, nil), "port", Note, "in use (tcp): the stem will take another")
	l.Close()
	want(t, Port(port, true, nil), "port", OK, "is free")
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	want(t, Port(port, false, nil), "port", Note, "in use (udp)")
}
