package node

import (
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

func TestRankDials(t *testing.T) {
	const relay = "/p2p/12D3KooWHTbygVJABPCHZVEHKhjYEGdUrjqNwd5WfG3q3ipAu5Q9/p2p-circuit"
	type dial struct {
		addr  string
		after time.Duration
	}
	for name, want := range map[string][]dial{
		"all": {
			{"/ip6/2001:db8::1/udp/4433/quic-v1", 0},
			{"/ip4/198.51.100.1/udp/4433/quic-v1", 0},
			{"/ip4/198.51.100.1/tcp/4433", afterQUIC},
			{"/ip4/203.0.113.1/udp/4433/quic-v1" + relay, afterDirect},
			{"/ip4/203.0.113.1/tcp/4433" + relay, afterDirect + afterRelay},
		},
		"TCP alone": {{"/ip4/198.51.100.1/tcp/4433", 0}},
		"relays alone": {
			{"/ip4/203.0.113.1/udp/4433/quic-v1" + relay, 0},
			{"/ip4/203.0.113.2/udp/4433/quic-v1" + relay, afterRelay},
		},
		"none": {},
	} {
		var addrs []ma.Multiaddr
		for _, d := range want {
			addrs = append([]ma.Multiaddr{ma.StringCast(d.addr)}, addrs...)
		}
		got := map[string]time.Duration{}
		for _, d := range rankDials(addrs) {
			got[d.Addr.String()] = d.Delay
		}
		if len(got) != len(want) {
			t.Errorf("%s: got %v", name, got)
		}
		for _, d := range want {
			switch after, ok := got[d.addr]; {
			case name == "relays alone": // which of two alike comes first does not matter
				if !ok || after != 0 && after != afterRelay {
					t.Errorf("%s: %s after %v", name, d.addr, after)
				}
			case !ok || after != d.after:
				t.Errorf("%s: %s after %v, want %v", name, d.addr, after, d.after)
			}
		}
	}
}
