package node

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/event"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/nat/portmap"
)

// A router is asked only where it matters: not for those who listen on loopback, nor for
// those who look for nobody beyond their own network.
func TestAsksRouter(t *testing.T) {
	t.Parallel()
	everywhere := []netip.Addr{netip.IPv4Unspecified()}
	for _, c := range []struct {
		mesh   string
		listen []netip.Addr
		asks   bool
	}{
		{"home", everywhere, true},
		{"none", everywhere, false},
		{"home", []netip.Addr{loopback}, false},
	} {
		n, err := New(Config{Identity: testIdentity(t), Mesh: c.mesh, Listen: c.listen,
			NoMDNS: true})
		if err != nil {
			t.Fatal(err)
		}
		if asks := n.reach != nil && n.reach.ports != nil; asks != c.asks {
			t.Errorf("in mesh %s, at %v, it asks: %v", c.mesh, c.listen, asks)
		}
		if ports := n.Status().Ports; ports != (portmap.State{}) {
			t.Errorf("without a router it has %v", ports)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The router's word counts where it was true of the other port, and nobody has said otherwise.
func TestVouch(t *testing.T) {
	t.Parallel()
	quic, tcp := ma.StringCast("/ip4/45.1.0.1/udp/4433/quic-v1"), ma.StringCast("/ip4/45.1.0.1/tcp/4433")
	seen, own := ma.StringCast("/ip4/45.1.0.1/udp/99/quic-v1"), ma.StringCast("/ip4/45.2.0.1/tcp/4433")
	mapped := []ma.Multiaddr{quic, tcp}
	for name, c := range map[string]struct {
		mapped, reachable, unreachable, unknown, want []ma.Multiaddr
	}{
		"one is open": {mapped, []ma.Multiaddr{tcp}, nil, []ma.Multiaddr{quic, seen},
			[]ma.Multiaddr{tcp, quic}},
		"the other is": {mapped, []ma.Multiaddr{quic}, nil, []ma.Multiaddr{seen, tcp},
			[]ma.Multiaddr{quic, tcp}},
		"one is closed": {mapped, []ma.Multiaddr{tcp}, []ma.Multiaddr{quic},
			[]ma.Multiaddr{seen}, []ma.Multiaddr{tcp}},
		"nothing is known": {mapped, nil, nil, []ma.Multiaddr{quic, tcp, seen}, nil},
		"another is open": {mapped, []ma.Multiaddr{own}, nil, []ma.Multiaddr{quic, tcp},
			[]ma.Multiaddr{own}},
		"nothing is mapped": {nil, []ma.Multiaddr{tcp}, nil, []ma.Multiaddr{quic},
			[]ma.Multiaddr{tcp}},
		"both are confirmed": {mapped, []ma.Multiaddr{tcp, quic}, nil, nil,
			[]ma.Multiaddr{tcp, quic}},
	} {
		e := vouch(c.mapped, event.EvtHostReachableAddrsChanged{Reachable: c.reachable,
			Unreachable: c.unreachable, Unknown: c.unknown})
		if !slices.EqualFunc(e.Reachable, c.want, ma.Multiaddr.Equal) {
			t.Errorf("%s: %v are reachable, want %v", name, e.Reachable, c.want)
		}
		if len(e.Reachable)+len(e.Unknown) != len(c.reachable)+len(c.unknown) {
			t.Errorf("%s: %v are unknown", name, e.Unknown)
		}
	}
}
