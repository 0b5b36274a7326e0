package relay

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/nat"
	"github.com/cell-mesh/cell/node/peerconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestState returns the state of a Keeper in a private mesh. The test runs it.
func newTestState(t *testing.T, log slog.Handler) *state {
	t.Helper()
	h, group := nettest.Host(t), tasks.New()
	conns := peerconn.New(peerconn.Config{Host: h, Tasks: group})
	k, err := NewKeeper(Config{
		Host: h, Conns: conns, Tasks: group, PrivateMesh: true,
		Friends:    func() []peer.ID { return nil },
		Servers:    func() []peer.ID { return nil },
		Remembered: func(peer.ID) []ma.Multiaddr { return nil },
		Observe:    nat.NewMirror(h, conns, group).Ask,
		Roam:       func() {},
		Lent:       func([]ma.Multiaddr) {},
		Log:        slog.New(log),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		group.End()
		group.Wait()
		k.Close()
	})
	return newState(k)
}

// startRelay starts a relay that gives such reservations. asked counts the requests.
func startRelay(t *testing.T, h host.Host, resources relay.Resources) (asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	service, err := relay.New(h, relay.WithResources(resources),
		relay.WithACL(acl(func(peer.ID) bool {
			asked.Add(1)
			return true
		})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	return asked
}

// connect connects to a relay, at its own address or another one.
func connect(t *testing.T, s *state, b host.Host, at ...ma.Multiaddr) network.Conn {
	t.Helper()
	if len(at) == 0 {
		at = b.Addrs()
	}
	info := peer.AddrInfo{ID: b.ID(), Addrs: at}
	if err := s.cfg.Host.Connect(nettest.Context(t), info); err != nil {
		t.Fatal(err)
	}
	return s.cfg.Conns.Best(b.ID())
}

// identified waits until as many peers are known to relay.
func identified(t *testing.T, s *state, number int) {
	t.Helper()
	nettest.Eventually(t, "identify", func() bool { return len(s.candidates(nil)) == number })
}

// settleAll does what is due, and waits for all relays' answers.
func settleAll(t *testing.T, s *state) {
	t.Helper()
	s.step(nettest.Context(t), true)
	for len(s.trying) > 0 {
		s.settle(nettest.Receive(t, s.results))
	}
}

// TestShortReservations holds one that ends in ten minutes, as with a relay whose clock is
// behind, and renews it only when half of that has passed.
func TestShortReservations(t *testing.T) {
	t.Parallel()
	resources := relay.DefaultResources()
	resources.ReservationTTL = 10 * time.Minute
	s, b := newTestState(t, slog.DiscardHandler), nettest.Host(t)
	asked := startRelay(t, b, resources)
	id := connect(t, s, b).RemotePeer()
	identified(t, s, 1)
	for want := range int32(2) {
		for range 100 {
			settleAll(t, s)
		}
		if got := asked.Load(); got != want+1 {
			t.Fatalf("asked %d times, want %d", got, want+1)
		}
		h := s.held[id]
		if renew := time.Until(h.renew); renew > 5*time.Minute || renew < 4*time.Minute {
			t.Errorf("renewed in %v", renew)
		}
		h.renew = time.Now() // as if half of its life had passed
	}
}

// TestReservations is given reservations of all lengths, and holds or refuses them.
func TestReservations(t *testing.T) {
	t.Parallel()
	s, b := newTestState(t, slog.DiscardHandler), nettest.Host(t)
	startRelay(t, b, relay.DefaultResources())
	conn := connect(t, s, b)
	id := conn.RemotePeer()
	for length, want := range map[time.Duration]time.Duration{
		-time.Minute:        0,
		time.Second:         0,
		119 * time.Second:   0,
		3 * time.Minute:     90 * time.Second,
		time.Hour:           30 * time.Minute,
		100 * time.Minute:   30 * time.Minute,
		1000000 * time.Hour: 30 * time.Minute,
	} {
		s.drop(id)
		s.forgive()
		s.settle(attempt{id: id, conn: conn,
			reservation: &client.Reservation{Expiration: time.Now().Round(0).Add(length)}})
		h := s.held[id]
		switch {
		case want == 0:
			if h != nil || !s.isRefused(id) {
				t.Errorf("%v: held %v, refused %v", length, h != nil, s.isRefused(id))
			}
		case h == nil:
			t.Errorf("%v: refused", length)
		default:
			renew, expires := time.Until(h.renew), time.Until(h.expires)
			if renew > want || renew < want-nettest.Wait || expires > 2*want {
				t.Errorf("%v: renewed in %v of %v, want %v", length, renew, expires, want)
			}
		}
	}
}
