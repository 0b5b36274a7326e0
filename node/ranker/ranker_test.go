package ranker

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// dial is an address and the delay before it is dialled.
type dial struct {
	addr  string
	after time.Duration
}

func wantRank(t *testing.T, name string, r *Ranker, want []dial) {
	t.Helper()
	var addrs []ma.Multiaddr
	for _, d := range want {
		addrs = append([]ma.Multiaddr{ma.StringCast(d.addr)}, addrs...)
	}
	got := map[string]time.Duration{}
	for _, d := range r.Rank(addrs) {
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

// atHome is in one home network, where UDP has worked.
func atHome() *Ranker {
	return &Ranker{networks: []netip.Prefix{netip.MustParsePrefix("192.168.1.0/24")}, udp: true,
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
		"seems a neighbour": {
			{"/ip4/192.168.1.7/tcp/4433", 0},
			{"/ip4/192.168.1.7/udp/4433/quic-v1", afterTCP},
			{"/ip4/198.51.100.1/udp/4433/quic-v1", afterNear},
			{"/ip4/198.51.100.1/tcp/4433", afterNear + afterQUIC},
			{"/ip4/203.0.113.1/udp/4433/quic-v1" + circuit, afterNear + afterDirect},
		},
		"this machine": {{"/ip4/127.0.0.1/tcp/4433", 0},
			{"/ip4/127.0.0.1/udp/4433/quic-v1", afterTCP}},
		"only QUIC to a neighbour": {{"/ip4/192.168.1.7/udp/4433/quic-v1", 0}},
		"only TCP":                 {{"/ip4/198.51.100.1/tcp/4433", 0}},
		"only a relay":             {{"/ip4/192.168.1.7/udp/4433/quic-v1" + circuit, 0}},
		"no address":               {},
	} {
		wantRank(t, name, atHome(), want)
	}
}

// QUIC gets a head start only where UDP has worked.
func TestRankLearns(t *testing.T) {
	quic, tcp := "/ip4/198.51.100.1/udp/4433/quic-v1", "/ip4/198.51.100.1/tcp/4433"
	other, near := "/ip4/203.0.113.9/udp/4433/quic-v1", "/ip4/192.168.1.7/udp/4433/quic-v1"
	learn := func(r *Ranker, made string, known ...string) {
		var addrs []ma.Multiaddr
		for _, text := range known {
			addrs = append(addrs, ma.StringCast(text))
		}
		r.learn(ma.StringCast(made), addrs)
	}
	r := atHome()
	r.udp = false
	wantRank(t, "nothing is known", r, []dial{{quic, 0}, {tcp, 0}})
	learn(r, near, near)
	wantRank(t, "QUIC to a neighbour", r, []dial{{quic, 0}, {tcp, 0}})
	learn(r, quic+circuit)
	wantRank(t, "a relayed connection", r, []dial{{quic, 0}, {tcp, 0}})
	learn(r, other, other)
	wantRank(t, "QUIC to another peer", r, []dial{{quic, 0}, {tcp, afterQUIC}})
	learn(r, tcp, tcp)
	wantRank(t, "TCP where QUIC was not dialled", r, []dial{{quic, 0}, {tcp, afterQUIC}})
	learn(r, tcp, tcp, quic)
	wantRank(t, "TCP where QUIC was dialled too", r, []dial{{quic, 0}, {tcp, 0}})
	if why := r.Why(ma.StringCast(tcp)); why == "" {
		t.Error("no reason for TCP where UDP is blocked")
	}
	learn(r, quic, quic, tcp)
	wantRank(t, "QUIC connects again", r, []dial{{quic, 0}, {tcp, afterQUIC}})
	r.SetNetworks(nil)
	wantRank(t, "in another network", r, []dial{{quic, 0}, {tcp, 0}})
	for i := range 2 * maxBlocked {
		ip := fmt.Sprintf("/ip4/45.0.%d.%d", i/256, i%256)
		learn(r, ip+"/tcp/1", ip+"/udp/1/quic-v1")
	}
	if len(r.blocked) > maxBlocked {
		t.Errorf("%d addresses are remembered", len(r.blocked))
	}
}
