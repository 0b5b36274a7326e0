package nat

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newMirror returns the Mirror of a host and ends its goroutines with the test.
func newMirror(t *testing.T, h host.Host) *Mirror {
	group := tasks.New()
	t.Cleanup(func() {
		group.End()
		group.Wait()
	})
	return NewMirror(h, peerconn.New(peerconn.Config{Host: h, Tasks: group}), group)
}

// TestMirror asks from behind a router that changes its address while a QUIC connection
// stands, and then falls silent.
func TestMirror(t *testing.T) {
	t.Parallel()
	h, far := nettest.Host(t), nettest.Host(t)
	a, b := newMirror(t, h), newMirror(t, far)
	b.Serve()
	line := nettest.NewCable(t, nettest.Port(t, far))
	ctx := nettest.Context(t)
	to := peer.AddrInfo{ID: far.ID(), Addrs: []ma.Multiaddr{line.Addr()}}
	if err := h.Connect(ctx, to); err != nil {
		t.Fatal(err)
	}
	conn := h.Network().Conns()[0]
	for range 2 {
		at, err := a.Ask(ctx, conn)
		if err != nil || at.String() != line.Outside().String() {
			t.Errorf("seen at %v, %v; want %v", at, err, line.Outside())
		}
		line.Renumber(t)
	}
	if at, err := a.AskAt(ctx, far.ID(), nettest.Addr(t, far, maddrs.QUIC)); err != nil ||
		int(at.Port()) != nettest.Port(t, h) {
		t.Errorf("at another address seen at %v, %v; want port %d", at, err, nettest.Port(t, h))
	}
	if conns := h.Network().Conns(); len(conns) != 1 {
		t.Errorf("asking there has left connections behind: %v", conns)
	}
	far.RemoveStreamHandler(MirrorProtocol)
	if at, err := a.Ask(ctx, conn); err != nil || at.IsValid() {
		t.Errorf("a peer that does not know the protocol says %v, %v", at, err)
	}
	over := make(chan struct{})
	far.SetStreamHandler(MirrorProtocol, func(s network.Stream) { <-over; s.Reset() })
	if at, err := a.Ask(ctx, conn); err != nil || at.IsValid() {
		t.Errorf("a peer that is too busy to answer says %v, %v", at, err)
	}
	close(over)
	line.Cut()
	began := time.Now()
	if at, err := a.Ask(ctx, conn); err == nil || time.Since(began) > 2*mirrorWait {
		t.Errorf("after %v a dead connection says %v", time.Since(began), at)
	}
}
