package maddrs

import (
	"fmt"
	"net/netip"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

const id = "12D3KooWHTbygVJABPCHZVEHKhjYEGdUrjqNwd5WfG3q3ipAu5Q9"

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		addr      string
		host      string // as HostPort returns it; "" if not ok
		transport string
		route     string
		relay     string
		public    bool
		scope     int
	}{
		{"/ip4/8.8.8.8/udp/4433/quic-v1", "8.8.8.8:4433", QUIC, "direct quic", "", true, 0},
		{"/ip4/8.8.8.8/tcp/22", "8.8.8.8:22", TCP, "direct tcp", "", true, 0},
		{"/ip6/2001:4860::8/tcp/22", "[2001:4860::8]:22", TCP, "direct tcp", "", true, 0},
		{"/ip4/192.168.1.7/tcp/4433", "192.168.1.7:4433", TCP, "direct tcp", "", false, 1},
		{"/ip6zone/eth0/ip6/fe80::1/tcp/1", "[fe80::1]:1", TCP, "direct tcp", "", false, 2},
		{"/ip4/127.0.0.1/tcp/1", "127.0.0.1:1", TCP, "direct tcp", "", false, 3},
		{"/dns/example.org/tcp/1", "", TCP, "direct tcp", "", true, 0},
		{"/ip4/8.8.8.8/udp/1/quic-v1/p2p/" + id + "/p2p-circuit", "", Relay, "relayed quic", id,
			false, 0},
		{"/ip4/8.8.8.8/tcp/1/p2p/" + id + "/p2p-circuit", "", Relay, "relayed tcp", id, false, 0},
		{"/p2p-circuit", "", Relay, "relayed", "", false, 0},
	} {
		addr := ma.StringCast(c.addr)
		at, ok := HostPort(c.addr)
		if ok != (c.host != "") || ok && at.String() != c.host {
			t.Errorf("%s: host %v, %v", addr, at, ok)
		}
		if got := Transport(addr); got != c.transport {
			t.Errorf("%s: transport %s", addr, got)
		}
		if got := Route(addr); got != c.route {
			t.Errorf("%s: route %s", addr, got)
		}
		relay := ""
		if id := RelayOf(addr); id != "" {
			relay = id.String()
		}
		if relay != c.relay || (ToRelay(addr) != nil) != (c.relay != "") {
			t.Errorf("%s: relay %q at %v", addr, relay, ToRelay(addr))
		}
		if got := IsPublic(addr); got != c.public {
			t.Errorf("%s: public %v", addr, got)
		}
		if got := Scope(addr); got != c.scope {
			t.Errorf("%s: scope %d", addr, got)
		}
	}
	if _, ok := HostPort("192.0.2.7:1"); ok {
		t.Error("192.0.2.7:1 is taken for a multiaddr")
	}
}

func TestScopeOfIP(t *testing.T) {
	for text, want := range map[string][3]bool{ // local, public4, private4
		"8.8.8.8":     {false, true, false},
		"10.1.2.3":    {true, false, true},
		"100.64.0.1":  {true, false, true},
		"127.0.0.1":   {true, false, false},
		"::1":         {true, false, false},
		"fd00::1":     {true, false, false},
		"2001:4860::": {false, false, false},
	} {
		ip := netip.MustParseAddr(text)
		if got := [3]bool{IsLocal(ip), IsPublic4(ip), IsPrivate4(ip)}; got != want {
			t.Errorf("%s: local, public4, private4 are %v, want %v", ip, got, want)
		}
	}
	if IsLocal(netip.Addr{}) || IsPublic4(netip.Addr{}) || IsPrivate4(netip.Addr{}) {
		t.Error("the zero Addr has a scope")
	}
}

func TestQUICAndTCP(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":        "[/ip4/192.0.2.7/udp/1/quic-v1 /ip4/192.0.2.7/tcp/1]",
		"::ffff:192.0.2.7": "[/ip4/192.0.2.7/udp/1/quic-v1 /ip4/192.0.2.7/tcp/1]",
		"fe80::1%eth0":     "[/ip6/fe80::1/udp/1/quic-v1 /ip6/fe80::1/tcp/1]",
	} {
		addrs, err := QUICAndTCP(netip.MustParseAddr(text), 1)
		if err != nil || fmt.Sprint(addrs) != want {
			t.Errorf("%s: got %v, %v", text, addrs, err)
		}
	}
	if addrs, err := QUICAndTCP(netip.Addr{}, 1); err == nil {
		t.Errorf("the zero Addr gives %v", addrs)
	}
}
