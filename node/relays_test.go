package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/maddrs"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// noDirect keeps a node from dialling a peer but through a relay, as a NAT before that peer would.
type noDirect struct{ to address.ID }

func (g noDirect) InterceptAddrDial(id peer.ID, addr ma.Multiaddr) bool {
	return id.String() != g.to.String() || maddrs.Transport(addr) == "relay"
}
func (noDirect) InterceptPeerDial(peer.ID) bool              { return true }
func (noDirect) InterceptAccept(network.ConnMultiaddrs) bool { return true }
func (noDirect) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}
func (noDirect) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// startBoot starts a node of the mesh "lab" that relays as one on the Internet would.
func startBoot(t *testing.T, cfg Config) *Node {
	t.Helper()
	cfg.Mesh, cfg.wide = "lab", true
	n := startNode(t, cfg)
	service, err := newRelay(n.host, serves(cfg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	return n
}

// behindNAT starts a node that holds places at the relays, and one that reaches it
// through them alone: nor is a hole punched from inside.
func behindNAT(t *testing.T, boots ...*Node) (inside, caller *Node) {
	t.Helper()
	var through []string
	for _, b := range boots {
		through = append(through, b.Addrs()[0])
	}
	without := func(to address.ID) []libp2p.Option {
		return []libp2p.Option{func(cfg *libp2p.Config) error {
			cfg.ConnectionGater = noDirect{to}
			return nil
		}}
	}
	calls := testIdentity(t)
	inside = startNode(t, Config{Mesh: "lab", Bootstrap: through, wide: true,
		Options: without(calls.ID())})
	nettest.Eventually(t, "relays", func() bool { return len(inside.Status().Relays) == len(boots) })
	caller = startNode(t, Config{Identity: calls, Mesh: "lab", Bootstrap: through,
		Options: without(inside.ID())})
	return inside, caller
}

// TestRelayed is the promise to those behind a NAT: a peer ID is enough, and a call by a
// relay is like any other.
func TestRelayed(t *testing.T) {
	b := startBoot(t, Config{})
	inside, caller := behindNAT(t, b)
	const size = 1 << 20 // more than a stranger's relay lets through
	inside.Handle(func(_ context.Context, _ address.ID, s pipe.Stream) {
		n, err := io.Copy(io.Discard, s)
		fmt.Fprint(s, n, err)
		s.CloseWrite()
	})
	s, err := caller.Open(nettest.Context(t), inside.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(s)
	if want := fmt.Sprint(size, nil); err != nil || string(answer) != want {
		t.Errorf("got %q and %v, want %q", answer, err, want)
	}
	for _, n := range []*Node{inside, caller} {
		other := inside.ID()
		if n == inside {
			other = caller.ID()
		}
		peers := n.Status().Peers
		i := slices.IndexFunc(peers, func(p PeerStatus) bool {
			return p.ID == other.String() && p.Transport == "relay"
		})
		if i < 0 || peers[i].Relay != b.ID().String() {
			t.Errorf("status: %+v", peers)
		}
	}
}

func TestRelayedAbort(t *testing.T) {
	inside, caller := behindNAT(t, startBoot(t, Config{}))
	ends := make(chan error, 1)
	inside.Handle(func(_ context.Context, _ address.ID, s pipe.Stream) {
		fmt.Fprint(s, "go on")
		_, err := io.Copy(io.Discard, s)
		ends <- err
	})
	s, err := caller.Open(nettest.Context(t), inside.ID())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "half a message")
	expect(t, s, "go on")
	s.Abort(errors.New("enough"))
	if err := nettest.Receive(t, ends); err == nil {
		t.Error("a cut arrived as an orderly end")
	}
}

// TestRelayLeft leaves a relayed connection that carries a call: that goes on, and the
// next one begins anew, with a punch.
func TestRelayLeft(t *testing.T) {
	inside, caller := behindNAT(t, startBoot(t, Config{}))
	came := accept(t, inside)
	s, err := caller.Open(nettest.Context(t), inside.ID())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "hello")
	called := nettest.Receive(t, came)
	was := caller.conns.Best(inside.host.ID())
	caller.conns.LeaveRelayed(inside.host.ID())
	expect(t, called, "hello")
	if was.IsClosed() {
		t.Fatal("a connection with a call is closed")
	}
	s.Close()
	called.Close()
	nettest.Eventually(t, "the end of the connection", was.IsClosed)
}

// TestRelayLost has two relays held, and a third taken when one is gone.
func TestRelayLost(t *testing.T) {
	a, b := startBoot(t, Config{}), startBoot(t, Config{})
	inside, caller := behindNAT(t, a, b)
	came := accept(t, inside)
	a.Close()
	nettest.Eventually(t, "the loss of a relay", func() bool {
		return slices.Equal(inside.Status().Relays, []string{b.ID().String()})
	})
	s, err := caller.Open(nettest.Context(t), inside.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, nettest.Receive(t, came), "hello")
}

// reserving is the part of a node that holds relays, which the test runs.
func reserving(t *testing.T, cfg Config) *relays {
	t.Helper()
	cfg.Identity, cfg.Mesh, cfg.NoMDNS, cfg.Listen, cfg.wide = testIdentity(t), "lab", true, []netip.Addr{loopback}, true
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n.reach.relays
}

// lets has a node relay, with such places. asked counts who asks for one.
func lets(t *testing.T, n *Node, places relay.Resources) (asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	service, err := relay.New(n.host, relay.WithResources(places),
		relay.WithACL(allowed(func(peer.ID) bool {
			asked.Add(1)
			return true
		})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { service.Close() })
	return asked
}

// reservable connects to a peer that relays.
func reservable(t *testing.T, r *relays, b *Node) network.Conn {
	t.Helper()
	if err := r.node.host.Connect(nettest.Context(t), *host.InfoFromHost(b.host)); err != nil {
		t.Fatal(err)
	}
	nettest.Eventually(t, "identify", func() bool { return len(r.candidates(nil)) == 1 })
	return r.node.conns.Best(b.host.ID())
}

// settle has the node do what there is to do about relays, until it has their answers.
func settle(t *testing.T, r *relays) {
	t.Helper()
	r.step(nettest.Context(t))
	for len(r.trying) > 0 {
		r.settle(nettest.Receive(t, r.results))
	}
}

// TestShortPlaces holds one that ends in ten minutes, as they do with a relay whose clock
// is behind, and looks after it often.
func TestShortPlaces(t *testing.T) {
	t.Parallel()
	places := relay.DefaultResources()
	places.ReservationTTL = 10 * time.Minute
	r, b := reserving(t, Config{}), startNode(t, Config{})
	asked := lets(t, b, places)
	id := reservable(t, r, b).RemotePeer()
	for want := range int32(2) {
		for range 100 {
			settle(t, r)
		}
		if got := asked.Load(); got != want+1 {
			t.Fatalf("asked %d times, want %d", got, want+1)
		}
		h := r.held[id]
		if renew := time.Until(h.renew); renew > 5*time.Minute || renew < 4*time.Minute {
			t.Errorf("renewed in %v", renew)
		}
		h.renew = time.Now() // as if half of its life had passed
	}
}

// TestPlaces has places of all lengths given and held, or refused.
func TestPlaces(t *testing.T) {
	t.Parallel()
	r, b := reserving(t, Config{}), startNode(t, Config{})
	lets(t, b, relay.DefaultResources())
	conn := reservable(t, r, b)
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
		r.drop(id)
		r.forgive()
		r.settle(reserved{id: id, conn: conn,
			reservation: &client.Reservation{Expiration: time.Now().Round(0).Add(length)}})
		h := r.held[id]
		switch {
		case want == 0:
			if h != nil || !r.grudges(id) {
				t.Errorf("%v: held %v, refused %v", length, h != nil, r.grudges(id))
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

func TestServes(t *testing.T) {
	friend, stranger := testIdentity(t).ID(), testIdentity(t).ID()
	trusted := func() []address.ID { return []address.ID{friend} }
	for name, test := range map[string]struct {
		cfg              Config
		friend, stranger bool
	}{
		"public mesh":          {Config{}, true, false},
		"no mesh":              {Config{Mesh: "none"}, true, false},
		"private mesh":         {Config{Mesh: "lab"}, true, true},
		"public mesh, public":  {Config{Relay: RelayPublic}, true, true},
		"private mesh, nobody": {Config{Mesh: "lab", Relay: RelayNone}, false, false},
	} {
		test.cfg.Friends = trusted
		who := serves(test.cfg)
		for id, want := range map[address.ID]bool{friend: test.friend, stranger: test.stranger} {
			decoded, err := peer.Decode(id.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := who.AllowReserve(decoded, nil); got != want {
				t.Errorf("%s: reserve is %v for a friend=%v", name, got, id == friend)
			}
			if got := who.AllowConnect("", nil, decoded); got != want {
				t.Errorf("%s: connect is %v to a friend=%v", name, got, id == friend)
			}
		}
	}
	if _, err := New(Config{Identity: testIdentity(t), Relay: "everyone"}); err == nil {
		t.Error("an unknown word for whom to relay for was taken")
	}
}

func TestGuesses(t *testing.T) {
	seen := ma.StringCast("/ip4/198.51.100.1/udp/4433/quic-v1")
	six := ma.StringCast("/ip6/2001:db8::1/udp/4433/quic-v1")
	got := guesses{}.FilterLocal("", []ma.Multiaddr{seen, six})
	want := []ma.Multiaddr{seen, six, ma.StringCast("/ip4/198.51.100.1/tcp/4433")}
	if len(got) != len(want) || !slices.ContainsFunc(got, want[2].Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}
