package holepunch

import (
	"strings"
	"testing"

	"github.com/cell-mesh/cell/node/nat"
)

// Each circumstance leads to its reason, and there always is one.
func TestReasons(t *testing.T) {
	symmetric, easy, unknown := nat.Kind{Kind: nat.Symmetric,
		Seen: []string{"203.0.113.5:1"}}, nat.Kind{Kind: nat.SamePort}, nat.Kind{Kind: nat.Unknown}
	one := []string{"/ip4/203.0.113.9/udp/1/quic-v1", "/ip4/203.0.113.9/tcp/2"}
	many := []string{"/ip4/203.0.113.9/udp/1/quic-v1", "/ip4/203.0.113.9/udp/2/quic-v1"}
	for _, c := range []struct {
		in        Circumstances
		want, not string
	}{
		{Circumstances{UDP: symmetric, TCP: easy, Direct: 1},
			"this machine is behind a symmetric NAT", "UDP does not get out"},
		{Circumstances{UDP: unknown, TCP: symmetric},
			"UDP does not get out of this machine's network, and for TCP its NAT is symmetric", ""},
		{Circumstances{UDP: unknown, TCP: easy}, "UDP does not get out", "symmetric"},
		{Circumstances{UDP: unknown, TCP: unknown}, "neither side has tried", "UDP"},
		{Circumstances{UDP: easy, History: History{Tries: 1, At: one}},
			"failed once, the last time at /ip4/203.0.113.9/udp/1", "several ports"},
		{Circumstances{UDP: easy, History: History{Tries: 3, At: one}, Direct: 1},
			"own NAT keeps to one port", "the peer names no addresses"},
		{Circumstances{UDP: easy, History: History{Tries: 3, At: many}},
			"the peer is seen at several ports", "own NAT keeps"},
		{Circumstances{UDP: easy, History: History{Tries: 1, Failed: "no idea"}},
			"no hole could be punched: no idea", "failed once"},
		{Circumstances{UDP: easy}, "the peer names no addresses other than those at relays",
			"own NAT"},
	} {
		got := strings.Join(c.in.Reasons(), "; ")
		if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%+v: %q, want %q and not %q", c.in, got, c.want, c.not)
		}
	}
}
