package relay

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/nat"
)

// counter is a log handler that counts one message.
type counter struct {
	slog.Handler
	message string
	seen    int // used by the goroutine that logs
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.seen++
	}
	return nil
}

// watching returns a state with reservations at some relays, each at the end of a cable.
// roamed counts how often it roams.
func watching(t *testing.T, relays ...host.Host) (s *state, lines []*nettest.Cable,
	roamed *counter) {
	t.Helper()
	roamed = &counter{Handler: slog.DiscardHandler, message: "relay sees us at another address"}
	s = newTestState(t, roamed)
	for _, h := range relays {
		startRelay(t, h, relay.DefaultResources())
		group := tasks.New()
		t.Cleanup(func() {
			group.End()
			group.Wait()
		})
		nat.NewMirror(h, nil, group).Serve()
		line := nettest.NewCable(t, nettest.Port(t, h))
		lines = append(lines, line)
		connect(t, s, h, line.Addr())
	}
	identified(t, s, len(relays))
	settleAll(t, s)
	if len(s.held) != len(relays) {
		t.Fatalf("%d reservations", len(s.held))
	}
	return s, lines, roamed
}

// askAll asks all relays where they see the node, and takes in their answers.
func askAll(t *testing.T, s *state) {
	t.Helper()
	s.sight.asked = time.Time{}
	s.step(nettest.Context(t), true)
	for range s.held {
		s.take(nettest.Receive(t, s.views))
	}
}

// lies makes a relay tell a new address each time.
func lies(h host.Host) {
	var said int
	h.SetStreamHandler(nat.MirrorProtocol, func(raw network.Stream) {
		defer raw.Close()
		said++
		for range 2 {
			if _, err := io.ReadFull(raw, make([]byte, 1)); err != nil {
				return
			}
			fmt.Fprintf(raw, "192.0.2.%d:4433\n", said%250)
		}
	})
}

// TestRelaysAgree changes the router's address twice. Each time two relays say so, and are
// believed at once.
func TestRelaysAgree(t *testing.T) {
	t.Parallel()
	s, lines, roamed := watching(t, nettest.Host(t), nettest.Host(t))
	s.sight.alone = time.Now() // one is not believed
	for want := range 2 {
		askAll(t, s) // also to learn the present address again
		if roamed.seen != want {
			t.Fatalf("roamed %d times, want %d", roamed.seen, want)
		}
		// QUIC must accept the address before it changes again
		for _, conn := range s.cfg.Host.Network().Conns() {
			if !s.cfg.Conns.Probe(conn) {
				t.Fatal("no sign of life")
			}
		}
		for _, line := range lines {
			line.Renumber(t)
		}
		askAll(t, s)
		if roamed.seen != want+1 {
			t.Fatalf("a new address: roamed %d times, want %d", roamed.seen, want+1)
		}
	}
}

// TestRelayAgreesAtFirstSight has one relay report a new address, and another one that sees
// the node for the first time confirm it.
func TestRelayAgreesAtFirstSight(t *testing.T) {
	t.Parallel()
	s, _, roamed := watching(t, nettest.Host(t), nettest.Host(t))
	s.sight.alone = time.Now() // one is not believed
	var views []view
	for _, h := range s.held {
		views = append(views, view{conn: h.conn, at: netip.MustParseAddrPort("192.0.2.2:4433")})
	}
	before := views[0]
	before.at = netip.MustParseAddrPort("192.0.2.1:4433")
	for i, v := range []view{before, views[1], views[0]} {
		s.take(v)
		if want := i / 2; roamed.seen != want {
			t.Errorf("after %d answers: roamed %d times, want %d", i+1, roamed.seen, want)
		}
	}
}

// TestRelayLies has one relay report a new address each time and another one deny it, until
// the router really changes its address.
func TestRelayLies(t *testing.T) {
	t.Parallel()
	liar, honest := nettest.Host(t), nettest.Host(t)
	s, lines, roamed := watching(t, liar, honest)
	lies(liar)
	for i := range 10 {
		askAll(t, s)
		if again := s.sight.asked.IsZero(); again != (i == 1) { // the first answer sets the address
			t.Errorf("asked %d times: again at once is %v", i+1, again)
		}
	}
	if roamed.seen != 0 {
		t.Errorf("roamed %d times on a liar's word", roamed.seen)
	}
	lines[1].Renumber(t)
	askAll(t, s)
	if roamed.seen != 1 {
		t.Errorf("a new address: roamed %d times", roamed.seen)
	}
}

// TestRelayAlone has one relay report a new address each time, and nobody deny it: there is
// no other relay, or it is silent.
func TestRelayAlone(t *testing.T) {
	t.Parallel()
	for _, number := range []int{1, 2} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			boots := []host.Host{nettest.Host(t), nettest.Host(t)}[:number]
			s, lines, roamed := watching(t, boots...)
			askAll(t, s)
			lies(boots[0])
			for _, line := range lines[1:] {
				line.Cut()
			}
			for range 2 {
				was := roamed.seen
				for i := range 10 {
					askAll(t, s)
					// a silent relay gets a second chance first
					if i > 0 && roamed.seen != was+1 {
						t.Errorf("asked %d times: roamed %d times, want once", i+1, roamed.seen-was)
					}
				}
				if len(s.held) != 1 {
					t.Errorf("holds %d reservations", len(s.held))
				}
				s.sight.alone = s.sight.alone.Add(-aloneEvery) // as if that had passed
			}
		})
	}
}
