package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/cell-mesh/cell/node/relay"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/maddrs"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// noDirect only lets a node dial a peer through relays, as if the peer were behind a NAT.
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

// startBoot starts a node of the mesh "lab" that relays like one on the Internet.
func startBoot(t *testing.T, cfg Config) *Node {
	t.Helper()
	cfg.Mesh = "lab"
	n := startNode(t, cfg, onLoopback)
	service := relay.NewService(n.host, func(peer.ID) bool { return true }, slog.Default())
	service.Set(true)
	t.Cleanup(func() { service.Set(false) })
	return n
}

// behindNAT starts a node that has reservations at the relays, and one that only reaches it
// through them. The former does not dial the latter directly either.
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
	inside = startNode(t, Config{Mesh: "lab", Bootstrap: through,
		Options: without(calls.ID())}, onLoopback)
	nettest.Eventually(t, "relays", func() bool { return len(inside.Status().Relays) == len(boots) })
	caller = startNode(t, Config{Identity: calls, Mesh: "lab", Bootstrap: through,
		Options: without(inside.ID())})
	return inside, caller
}

// TestRelayed calls a node behind a NAT: a peer ID is enough, and the call is like any other.
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

// TestRelayLeft leaves a relayed connection that carries a call. The call goes on, and the
// next one makes a new connection, with a hole punch.
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

// TestRelayLost closes one of two relays. Calls go through the other one.
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
