package holepunch

import (
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"

	"github.com/cell-mesh/cell/internal/trace"
)

// Punches are remembered for a while and for a bounded number of peers. Those of an earlier
// relayed connection do not count.
func TestPunchesAreRemembered(t *testing.T) {
	p := New(Config{Tell: func(peer.ID, trace.Event) {}})
	began := time.Now()
	start := &holepunch.StartHolePunchEvt{RemoteAddrs: []string{"/ip4/203.0.113.9/udp/1/quic-v1"}}
	for range 2 {
		p.Trace(&holepunch.Event{Remote: "x", Evt: start})
		if got := p.Since("x", began); got.Over(began) {
			t.Errorf("over while one is under way: %+v", got)
		}
		p.Trace(&holepunch.Event{Remote: "x", Evt: &holepunch.EndHolePunchEvt{Error: "no"}})
	}
	if got := p.Since("x", began); got.Tries != 2 || got.Over(began) {
		t.Errorf("after two of three: %+v, over %v", got, got.Over(began))
	}
	p.Trace(&holepunch.Event{Remote: "x", Evt: start})
	p.Trace(&holepunch.Event{Remote: "x", Evt: &holepunch.EndHolePunchEvt{Error: "no"}})
	if got := p.Since("x", began); got.Tries != 3 || !got.Over(began) || len(got.At) != 1 {
		t.Errorf("after three: %+v, over %v", got, got.Over(began))
	}
	if got := p.Since("x", time.Now()); got.Tries != 0 {
		t.Errorf("through a later relay: %+v", got)
	}
	p.Trace(&holepunch.Event{Remote: "y", Evt: &holepunch.ProtocolErrorEvt{
		Error: "aborting hole punch initiation as we have no public address"}})
	if got := p.Since("y", began); !got.Over(began) ||
		!strings.Contains(got.Failed, "nobody has told this machine") {
		t.Errorf("after an error: %+v", got)
	}
	for i := range 2 * maxHistory {
		p.Trace(&holepunch.Event{Remote: peer.ID(rune(i)), Evt: start})
	}
	if len(p.history) > maxHistory {
		t.Errorf("%d are remembered", len(p.history))
	}
}
