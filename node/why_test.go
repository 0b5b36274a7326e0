package node

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/node/tracer"
)

// What others see of a machine adds up to a kind of NAT.
func TestNATOf(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("198.51.100.7")}
	for want, seen := range map[string][][]string{
		NATUnknown: {{}},
		NATNone:    {{"198.51.100.7:4433"}, {"198.51.100.7:4433", "198.51.100.7:4433"}},
		NATOneView: {{"203.0.113.5:4433"}},
		NATSamePort: {{"203.0.113.5:4433", "203.0.113.5:4433"},
			{"203.0.113.5:1", "203.0.113.5:2", "203.0.113.5:2"}},
		NATSymmetric: {{"203.0.113.5:1", "203.0.113.5:2"},
			{"203.0.113.5:1", "203.0.113.5:2", "203.0.113.5:3", "203.0.113.5:4", "203.0.113.5:5"}},
	} {
		for _, texts := range seen {
			var views []netip.AddrPort
			for _, text := range texts {
				views = append(views, netip.MustParseAddrPort(text))
			}
			got := natOf(views, own)
			if got.Kind != want || len(got.Seen) > maxShown ||
				len(texts) > 0 && len(got.Seen) == 0 {
				t.Errorf("%v is %+v, want %s", texts, got, want)
			}
		}
	}
}

// Each circumstance has its reason, and there always is one.
func TestReasons(t *testing.T) {
	symmetric, easy, unknown := NAT{Kind: NATSymmetric,
		Seen: []string{"203.0.113.5:1"}}, NAT{Kind: NATSamePort}, NAT{Kind: NATUnknown}
	one, many := []string{"/ip4/203.0.113.9/udp/1/quic-v1",
		"/ip4/203.0.113.9/tcp/2"}, []string{"/ip4/203.0.113.9/udp/1/quic-v1", "/ip4/203.0.113.9/udp/2/quic-v1"}
	for _, c := range []struct {
		in        circumstances
		want, not string
	}{
		{circumstances{udp: symmetric, tcp: easy, direct: 1},
			"this machine is behind a symmetric NAT", "UDP does not get out"},
		{circumstances{udp: unknown, tcp: symmetric, noUDP: true},
			"UDP does not get out of this machine's network, and for TCP its NAT is symmetric", ""},
		{circumstances{udp: unknown, tcp: easy, noUDP: true}, "UDP does not get out", "symmetric"},
		{circumstances{udp: unknown, tcp: unknown}, "neither side has tried", "UDP"},
		{circumstances{udp: easy, punched: punched{tries: 1, at: one}},
			"failed once, the last time at /ip4/203.0.113.9/udp/1", "several ports"},
		{circumstances{udp: easy, punched: punched{tries: 3, at: one}, direct: 1},
			"own NAT keeps to one port", "the peer names no address"},
		{circumstances{udp: easy, punched: punched{tries: 3, at: many}},
			"the peer is seen at several ports", "own NAT keeps"},
		{circumstances{udp: easy, punched: punched{tries: 1, failed: "no idea"}},
			"no hole could be punched: no idea", "failed once"},
		{circumstances{udp: easy}, "the peer names no address but those of relays", "own NAT"},
	} {
		got := strings.Join(c.in.reasons(), "; ")
		if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%+v: %q, want %q and not %q", c.in, got, c.want, c.not)
		}
	}
}

// Punches are remembered for a while, of so many peers and no more, and told apart from
// those through an earlier relay.
func TestPunchesAreRemembered(t *testing.T) {
	p := &punches{tracer: &tracer.Tracer{}, of: map[peer.ID]punched{}}
	began := time.Now()
	start := &holepunch.StartHolePunchEvt{RemoteAddrs: []string{"/ip4/203.0.113.9/udp/1/quic-v1"}}
	for range 2 {
		p.Trace(&holepunch.Event{Remote: "x", Evt: start})
		if got := p.since("x", began); got.over(began) {
			t.Errorf("over while one is under way: %+v", got)
		}
		p.Trace(&holepunch.Event{Remote: "x", Evt: &holepunch.EndHolePunchEvt{Error: "no"}})
	}
	if got := p.since("x", began); got.tries != 2 || got.over(began) {
		t.Errorf("after two of three: %+v, over %v", got, got.over(began))
	}
	p.Trace(&holepunch.Event{Remote: "x", Evt: start})
	p.Trace(&holepunch.Event{Remote: "x", Evt: &holepunch.EndHolePunchEvt{Error: "no"}})
	if got := p.since("x", began); got.tries != 3 || !got.over(began) || len(got.at) != 1 {
		t.Errorf("after three: %+v, over %v", got, got.over(began))
	}
	if got := p.since("x", time.Now()); got.tries != 0 {
		t.Errorf("through a later relay: %+v", got)
	}
	p.Trace(&holepunch.Event{Remote: "y", Evt: &holepunch.ProtocolErrorEvt{Error: "aborting hole punch initiation as we have no public address"}})
	if got := p.since("y", began); !got.over(began) ||
		!strings.Contains(got.failed, "nobody has told this machine") {
		t.Errorf("after an error: %+v", got)
	}
	for i := range 2 * maxPunched {
		p.Trace(&holepunch.Event{Remote: peer.ID(rune(i)), Evt: start})
	}
	if len(p.of) > maxPunched {
		t.Errorf("%d are remembered", len(p.of))
	}
}
