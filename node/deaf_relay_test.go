package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// startDeafRelay starts a relay that accepts requests and never answers them.
func startDeafRelay(t *testing.T) (relay host.Host, asked <-chan network.Stream) {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	streams := make(chan network.Stream, 16)
	h.SetStreamHandler(proto.ProtoIDv2Hop, func(s network.Stream) { streams <- s })
	return h, streams
}

// TestDeafRelay calls a peer at two relays. The first one does not answer, and does not
// delay the second.
func TestDeafRelay(t *testing.T) {
	t.Parallel()
	deaf, asked := startDeafRelay(t)
	good := startRelay(t, "/ip4/127.0.0.1/tcp/0")
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	reserve(t, b, good)
	began := time.Now()
	opened := make(chan error, 1)
	go func() {
		first := mustPlace(t, fmt.Sprintf("%s/p2p/%s/p2p-circuit/p2p/%s", deaf.Addrs()[0],
			deaf.ID(), b.ID()))
		s, err := a.Open(nettest.Context(t), b.ID(), first)
		if err == nil {
			t.Cleanup(func() { s.Close() })
		}
		opened <- err
	}()
	nettest.Receive(t, asked)
	second := mustPlace(t, fmt.Sprintf("%s/p2p/%s/p2p-circuit/p2p/%s", good.Addrs()[0], good.ID(),
		b.ID()))
	s, err := a.Open(nettest.Context(t), b.ID(), second)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, nettest.Receive(t, came), "hello")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if err := nettest.Receive(t, opened); err != nil {
		t.Error(err)
	}
}
