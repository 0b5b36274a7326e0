package node

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// A dial is an address and when it is dialled.
type dial struct {
	addr  string
	after time.Duration
}

func wantRank(t *testing.T, name string, p *paths, want []dial) {
	t.Helper()
	var addrs []ma.Multiaddr
	for _, d := range want {
		addrs = append([]ma.Multiaddr{ma.StringCast(d.addr)}, addrs...)
	}
	got := map[string]time.Duration{}
	for _, d := range p.rank(addrs) {
		got[d.Addr.String()] = d.Delay
	}
	if len(got) != len(want) {
		t.Errorf("%s: got %v", name, got)
	}
	for _, d := range want {
		if after, ok := got[d.addr]; !ok || after != d.after {
			t.Errorf("%s: %s after %v, want %v", name, d.addr, after, d.after)
		}
	}
}

const circuit = "/p2p/12D3KooWHTbygVJABPCHZVEHKhjYEGdUrjqNwd5WfG3q3ipAu5Q9/p2p-circuit"

// plugged is in one home network, and has seen UDP get through.
func plugged() *paths {
	return &paths{subnets: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}, udp: true,
		blocked: map[netip.Addr]struct{}{}}
}

func TestRank(t *testing.T) {
	for name, want := range map[string][]dial{
		"elsewhere": {
			{"/ip6/2001:db8::1/udp/4433/quic-v1", 0},
			{"/ip4/198.51.100.1/udp/4433/quic-v1", 0},
			{"/ip4/10.7.7.7/udp/4433/quic-v1", 0},
			{"/ip4/198.51.100.1/tcp/4433", afterQUIC},
			{"/ip4/203.0.113.1/udp/4433/quic-v1" + circuit, afterDirect},
			{"/ip4/203.0.113.1/tcp/4433" + circuit, afterDirect + afterRelay},
		},
		"a neighbour, as it seems": {
			{"/ip4/192.168.1.7/tcp/4433", 0},
			{"/ip4/192.168.1.7/udp/4433/quic-v1", afterTCP},
			{"/ip4/198.51.100.1/udp/4433/quic-v1", afterNear},
			{"/ip4/198.51.100.1/tcp/4433", afterNear + afterQUIC},
			{"/ip4/203.0.113.1/udp/4433/quic-v1" + circuit, afterNear + afterDirect},
		},
		"this machine": {{"/ip4/127.0.0.1/tcp/4433", 0},
			{"/ip4/127.0.0.1/udp/4433/quic-v1", afterTCP}},
		"a neighbour's QUIC alone": {{"/ip4/192.168.1.7/udp/4433/quic-v1", 0}},
		"TCP alone":                {{"/ip4/198.51.100.1/tcp/4433", 0}},
		"a relay alone":            {{"/ip4/192.168.1.7/udp/4433/quic-v1" + circuit, 0}},
		"none":                     {},
	} {
		wantRank(t, name, plugged(), want)
	}
}

// QUIC gets a head start where UDP has been seen to get through, and nowhere else.
func TestRankLearns(t *testing.T) {
	quic, tcp := "/ip4/198.51.100.1/udp/4433/quic-v1", "/ip4/198.51.100.1/tcp/4433"
	other, near := "/ip4/203.0.113.9/udp/4433/quic-v1", "/ip4/192.168.1.7/udp/4433/quic-v1"
	learn := func(p *paths, made string, known ...string) {
		var addrs []ma.Multiaddr
		for _, text := range known {
			addrs = append(addrs, ma.StringCast(text))
		}
		p.learn(ma.StringCast(made), addrs)
	}
	p := plugged()
	p.udp = false
	wantRank(t, "nothing is known", p, []dial{{quic, 0}, {tcp, 0}})
	learn(p, near, near)
	wantRank(t, "QUIC to a neighbour", p, []dial{{quic, 0}, {tcp, 0}})
	learn(p, quic+circuit)
	wantRank(t, "a relayed connection", p, []dial{{quic, 0}, {tcp, 0}})
	learn(p, other, other)
	wantRank(t, "QUIC to others", p, []dial{{quic, 0}, {tcp, afterQUIC}})
	learn(p, tcp, tcp)
	wantRank(t, "TCP, where QUIC was not dialled", p, []dial{{quic, 0}, {tcp, afterQUIC}})
	learn(p, tcp, tcp, quic)
	wantRank(t, "TCP, where QUIC did not come through", p, []dial{{quic, 0}, {tcp, 0}})
	if why := p.why(ma.StringCast(tcp)); why == "" {
		t.Error("nothing is said of UDP that does not get there")
	}
	learn(p, quic, quic, tcp)
	wantRank(t, "QUIC comes through again", p, []dial{{quic, 0}, {tcp, afterQUIC}})
	p.moved(nil)
	wantRank(t, "in another network", p, []dial{{quic, 0}, {tcp, 0}})
	for i := range 2 * maxBlocked {
		ip := fmt.Sprintf("/ip4/45.0.%d.%d", i/256, i%256)
		learn(p, ip+"/tcp/1", ip+"/udp/1/quic-v1")
	}
	if len(p.blocked) > maxBlocked {
		t.Errorf("%d are remembered", len(p.blocked))
	}
}
