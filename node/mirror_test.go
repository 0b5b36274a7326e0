package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// TestMirror looks from behind a router, which changes its address while a QUIC
// connection stands, and then falls silent.
func TestMirror(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	b.host.SetStreamHandler(mirrorProtocol, b.mirror)
	accept(t, b)
	line := nettest.NewCable(t, portOf(b))
	to := fmt.Sprintf("%s/p2p/%s", line.Addr(), b.ID())
	s, err := a.Open(nettest.Context(t), b.ID(), mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn := a.swarm.Conns()[0]
	for range 2 {
		at, err := a.look(nettest.Context(t), conn)
		if err != nil || at.String() != line.Outside().String() {
			t.Errorf("seen at %v, %v; want %v", at, err, line.Outside())
		}
		line.Renumber(t)
	}
	aside := ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", portOf(b)))
	if at, err := a.lookFrom(nettest.Context(t), b.host.ID(), aside); err != nil ||
		int(at.Port()) != portOf(a) {
		t.Errorf("at another address seen at %v, %v; want port %d", at, err, portOf(a))
	}
	if conns := a.swarm.Conns(); len(conns) != 1 {
		t.Errorf("to look there has left behind %v", conns)
	}
	b.host.RemoveStreamHandler(mirrorProtocol)
	if at, err := a.look(nettest.Context(t), conn); err != nil || at.IsValid() {
		t.Errorf("who does not know the question says %v, %v", at, err)
	}
	over := make(chan struct{})
	b.host.SetStreamHandler(mirrorProtocol, func(s network.Stream) { <-over; s.Reset() })
	if at, err := a.look(nettest.Context(t), conn); err != nil || at.IsValid() {
		t.Errorf("who is too busy to answer says %v, %v", at, err)
	}
	close(over)
	line.Cut()
	began := time.Now()
	if at, err := a.look(nettest.Context(t), conn); err == nil || time.Since(began) > 2*mirrorWait {
		t.Errorf("after %v the void says %v", time.Since(began), at)
	}
}
