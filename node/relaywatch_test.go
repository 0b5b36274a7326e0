package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// counter is a log that counts one of its messages.
type counter struct {
	slog.Handler
	message string
	seen    int // by the goroutine that says it
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.seen++
	}
	return nil
}

// watching is the part of a node that holds relays, which the test runs, with places at
// some, each at the end of a cable. A call to each keeps the connections from being made
// anew when the node roams. roamed counts how often it does.
func watching(t *testing.T, boots ...*Node) (r *relays, lines []*nettest.Cable, roamed *counter) {
	t.Helper()
	roamed = &counter{Handler: slog.DiscardHandler, message: "relay sees us elsewhere"}
	r = reserving(t, Config{Log: slog.New(roamed)})
	for _, b := range boots {
		lets(t, b, relay.DefaultResources())
		b.host.SetStreamHandler(mirrorProtocol, b.mirror)
		accept(t, b)
		line := nettest.NewCable(t, portOf(b))
		lines = append(lines, line)
		to := fmt.Sprintf("%s/p2p/%s", line.Addr(), b.ID())
		s, err := r.node.Open(nettest.Context(t), b.ID(), mustPlace(t, to))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		fmt.Fprint(s, "hello")
	}
	nettest.Eventually(t, "identify", func() bool { return len(r.candidates(nil)) == len(boots) })
	settle(t, r)
	if len(r.held) != len(boots) {
		t.Fatalf("%d places", len(r.held))
	}
	return r, lines, roamed
}

// askAll asks all relays where they see the node, and takes in what they say.
func askAll(t *testing.T, r *relays) {
	t.Helper()
	r.looked = time.Time{}
	r.step(nettest.Context(t))
	for range r.held {
		r.take(nettest.Receive(t, r.views))
	}
}

// lies has a relay see everybody elsewhere each time.
func lies(n *Node) {
	var said int
	n.host.SetStreamHandler(mirrorProtocol, func(s network.Stream) {
		defer s.Close()
		said++
		for range looks {
			if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
				return
			}
			fmt.Fprintf(s, "192.0.2.%d:4433\n", said%250)
		}
	})
}

// TestRelaysAgree has a router change its address, once and once more: two relays say so,
// and are believed at once.
func TestRelaysAgree(t *testing.T) {
	t.Parallel()
	r, lines, roamed := watching(t, startNode(t, Config{}), startNode(t, Config{}))
	r.alone = time.Now() // one is not believed
	for want := range 2 {
		askAll(t, r) // also to know again where it is
		if roamed.seen != want {
			t.Fatalf("roamed %d times, want %d", roamed.seen, want)
		}
		// QUIC believes in the address before it changes again
		for _, conn := range r.node.swarm.Conns() {
			if !r.node.conns.Probe(conn) {
				t.Fatal("no sign of life")
			}
		}
		for _, line := range lines {
			line.Renumber(t)
		}
		askAll(t, r)
		if roamed.seen != want+1 {
			t.Fatalf("a new address: roamed %d times, want %d", roamed.seen, want+1)
		}
	}
}

// TestRelayAgreesAtFirstSight has a relay see the node for the first time where another
// one says that it has gone.
func TestRelayAgreesAtFirstSight(t *testing.T) {
	t.Parallel()
	r, _, roamed := watching(t, startNode(t, Config{}), startNode(t, Config{}))
	r.alone = time.Now() // one is not believed
	var views []view
	for _, h := range r.held {
		views = append(views, view{conn: h.conn, at: netip.MustParseAddrPort("192.0.2.2:4433")})
	}
	before := views[0]
	before.at = netip.MustParseAddrPort("192.0.2.1:4433")
	for i, v := range []view{before, views[1], views[0]} {
		r.take(v)
		if want := i / 2; roamed.seen != want {
			t.Errorf("after %d answers: roamed %d times, want %d", i+1, roamed.seen, want)
		}
	}
}

// TestRelayLies has a relay see the node elsewhere each time, and another one deny it,
// until the router has changed its address.
func TestRelayLies(t *testing.T) {
	t.Parallel()
	liar, honest := startNode(t, Config{}), startNode(t, Config{})
	r, lines, roamed := watching(t, liar, honest)
	lies(liar)
	for i := range 10 {
		askAll(t, r)
		if again := r.looked.IsZero(); again != (i == 1) { // at first it says where we are
			t.Errorf("asked %d times: again at once is %v", i+1, again)
		}
	}
	if roamed.seen != 0 {
		t.Errorf("roamed %d times on a liar's word", roamed.seen)
	}
	lines[1].Renumber(t)
	askAll(t, r)
	if roamed.seen != 1 {
		t.Errorf("a new address: roamed %d times", roamed.seen)
	}
}

// TestRelayAlone has a relay see the node elsewhere each time, and nobody deny it: there
// is none, or it is silent.
func TestRelayAlone(t *testing.T) {
	t.Parallel()
	for _, number := range []int{1, 2} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			boots := []*Node{startNode(t, Config{}), startNode(t, Config{})}[:number]
			r, lines, roamed := watching(t, boots...)
			askAll(t, r)
			lies(boots[0])
			for _, line := range lines[1:] {
				line.Cut()
			}
			for range 2 {
				was := roamed.seen
				for i := range 10 {
					askAll(t, r)
					// at first a silent one is given another chance
					if i > 0 && roamed.seen != was+1 {
						t.Errorf("asked %d times: roamed %d times, want once", i+1, roamed.seen-was)
					}
				}
				if len(r.held) != 1 {
					t.Errorf("holds %d places", len(r.held))
				}
				r.alone = r.alone.Add(-aloneEvery) // as if that had passed
			}
		})
	}
}
