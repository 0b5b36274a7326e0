package node

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"

	"github.com/cell-mesh/cell/node/peerconn"
)

// routeOf calls b from a by way of a place, and returns how the call travels as the two see it.
func routeOf(t *testing.T, a, b *Node, by address.Place) (caller, called string) {
	t.Helper()
	routes := make(chan string, 1)
	b.Handle(func(_ context.Context, _ address.ID, s pipe.Stream) {
		routes <- s.(*peerconn.Stream).Route()
		io.Copy(s, s)
		s.CloseWrite()
	})
	s, err := a.Open(nettest.Context(t), b.ID(), by)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, s, "hello")
	return s.(*peerconn.Stream).Route(), nettest.Receive(t, routes)
}

func TestRouteDirect(t *testing.T) {
	for transport, want := range map[string]string{"quic-v1": "direct quic", "tcp": "direct tcp"} {
		a, b := startNode(t, Config{}), startNode(t, Config{})
		if caller, called := routeOf(t, a, b, at(t, b, transport)); caller != want ||
			called != want {
			t.Errorf("got %q and %q, want %q", caller, called, want)
		}
	}
}

func TestRouteRelayed(t *testing.T) {
	for want, listen := range map[string]string{
		"relayed quic": "/ip4/127.0.0.1/udp/0/quic-v1",
		"relayed tcp":  "/ip4/127.0.0.1/tcp/0",
	} {
		t.Run(want, func(t *testing.T) {
			r := startRelay(t, listen)
			a, b := startNode(t, Config{}), startNode(t, Config{})
			reserve(t, b, r)
			by := mustPlace(t, fmt.Sprintf("%s/p2p/%s/p2p-circuit", r.Addrs()[0], r.ID()))
			if caller, called := routeOf(t, a, b, by); caller != want || called != want {
				t.Errorf("got %q and %q, want %q", caller, called, want)
			}
		})
	}
}

func startRelay(t *testing.T, listen string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings(listen), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	r, err := relay.New(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return h
}

// reserve has a relay let others through to the node.
func reserve(t *testing.T, n *Node, relay host.Host) {
	t.Helper()
	if _, err := client.Reserve(nettest.Context(t), n.host, *host.InfoFromHost(relay)); err != nil {
		t.Fatal(err)
	}
}
