package node

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// Nodes that listen on one address each carry more calls on a connection than libp2p's 256,
// and reach a peer that must be dialled from another address.
func TestOneAddress(t *testing.T) {
	other := "127.0.0.2"
	if runtime.GOOS == "darwin" {
		other = "127.0.0.1" // which has no more of them
	}
	var friends []address.ID
	trusted := func() []address.ID { return friends }
	a := startNode(t, Config{Listen: []netip.Addr{netip.MustParseAddr(other)}, Friends: trusted})
	b := startNode(t, Config{Listen: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		Friends: trusted})
	friends = []address.ID{a.ID(), b.ID()}
	for _, addr := range a.Addrs() {
		if !strings.HasPrefix(addr, "/ip4/"+other+"/") {
			t.Errorf("listens at %s", addr)
		}
	}
	for _, way := range []struct{ from, to *Node }{{a, b}, {b, a}} {
		came := accept(t, way.to)
		for i := range 600 {
			s, err := way.from.Open(nettest.Context(t), way.to.ID(), at(t, way.to, "quic-v1"))
			if err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
			t.Cleanup(func() { s.Close() })
			fmt.Fprint(s, "!")
			accepted := nettest.Receive(t, came)
			t.Cleanup(func() { accepted.Close() })
			expect(t, accepted, "!")
		}
		for _, conn := range way.from.swarm.Conns() {
			if conn.ConnState().Transport != "quic-v1" {
				t.Errorf("went over %s", conn.ConnState().Transport)
			}
		}
	}
}
