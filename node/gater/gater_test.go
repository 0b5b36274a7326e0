package gater

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const bootstrapID = "12D3KooWHTbygVJABPCHZVEHKhjYEGdUrjqNwd5WfG3q3ipAu5Q9"

func TestInterceptAddrDial(t *testing.T) {
	home := []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24"),
		netip.MustParsePrefix("127.0.0.0/8")}
	g := New(func() []netip.Prefix { return home },
		[]string{"/ip4/10.0.0.1/tcp/1/p2p/" + bootstrapID, "nonsense"})
	boot, err := peer.Decode(bootstrapID)
	if err != nil {
		t.Fatal(err)
	}
	g.Allow(ma.StringCast("/ip4/10.1.1.1/tcp/1"))
	g.Allow(ma.StringCast("/ip4/10.1.1.2/tcp/1/p2p/" + bootstrapID + "/p2p-circuit"))
	g.Allow(ma.StringCast("/ip4/8.8.8.8/tcp/1"))
	before := ma.StringCast("/ip4/10.2.2.2/tcp/1")
	g.SetRemembered(func(id peer.ID) []ma.Multiaddr {
		if id == "known" {
			return []ma.Multiaddr{before}
		}
		return nil
	})
	for _, c := range []struct {
		id   peer.ID
		addr string
		want bool
	}{
		{"x", "/ip4/8.8.8.8/tcp/1", true},
		{"x", "/ip6/2001:4860::1/udp/1/quic-v1", true},
		// judged when the relay is dialled
		{"x", "/ip4/10.9.9.9/tcp/1/p2p/" + bootstrapID + "/p2p-circuit", true},
		{"x", "/ip4/192.168.1.9/tcp/1", true},
		{"x", "/ip4/127.0.0.1/tcp/1", true},
		{"x", "/ip4/192.168.2.9/tcp/1", false},
		{"x", "/ip4/10.9.9.9/udp/1/quic-v1", false},
		{"x", "/ip4/100.64.0.1/tcp/1", false},
		{"x", "/ip6/fd00::1/tcp/1", false},
		{boot, "/ip4/10.9.9.9/tcp/1", true},
		{"x", "/ip4/10.1.1.1/tcp/2", true},
		{"x", "/ip4/10.1.1.2/tcp/2", true},
		{"x", "/ip4/10.2.2.2/tcp/1", false},
		{"known", "/ip4/10.2.2.2/tcp/1", true},
		{"known", "/ip4/10.2.2.2/tcp/2", false},
	} {
		if got := g.InterceptAddrDial(c.id, ma.StringCast(c.addr)); got != c.want {
			t.Errorf("%q at %s: allowed %v", c.id, c.addr, got)
		}
	}
	for i := range 2 * maxAllowed {
		g.Allow(ma.StringCast(fmt.Sprintf("/ip4/10.3.%d.%d/tcp/1", i/256, i%256)))
	}
	if len(g.allowed) > maxAllowed {
		t.Errorf("%d addresses are allowed", len(g.allowed))
	}
}

// A network that comes up is noticed by the next dial, and one that went is soon gone.
func TestNetworksChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now []netip.Prefix
		g := New(func() []netip.Prefix { return now }, nil)
		ip := netip.MustParseAddr("192.168.1.9")
		want := func(want bool) {
			t.Helper()
			if got := g.IsNeighbour(ip); got != want {
				t.Errorf("neighbour: %v", got)
			}
		}
		want(false)
		now = []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}
		want(false)
		time.Sleep(networksRetry)
		want(true)
		now = nil
		want(true)
		time.Sleep(networksFor)
		want(false)
	})
}
