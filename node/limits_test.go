package node

import (
	"io"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/limits"
	"github.com/cell-mesh/cell/node/relay"
)

// The peers that a node relays for all keep a connection. They must fit below the number
// of connections from which on some are closed.
func TestReservationsFit(t *testing.T) {
	if relay.MaxReservations >= limits.LowWater {
		t.Errorf("%d reservations, %d connections", relay.MaxReservations, limits.LowWater)
	}
}

// Raw streams count as calls: a friend may have more than libp2p allows for a protocol.
func TestRawStreamsAreCalls(t *testing.T) {
	friend, err := randomPeer()
	if err != nil {
		t.Fatal(err)
	}
	id, err := address.ParseID(friend.String())
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, Config{Friends: func() []address.ID { return []address.ID{id} }})
	for i := range 1000 {
		s, err := n.limits.OpenStream(friend, network.DirInbound)
		if err == nil {
			defer s.Done()
			err = s.SetProtocol("/x/cell/echo")
		}
		if err != nil {
			t.Fatalf("stream %d: %v", i, err)
		}
	}
}

// A stranger that tries to open more and more streams is disconnected.
func TestStrangerIsDisconnected(t *testing.T) {
	n := startNode(t, Config{})
	echo(n)
	plain := plainHost(t, n, "tcp")
	conn := plain.Network().ConnsToPeer(n.host.ID())[0]
	for tries := 0; !conn.IsClosed(); tries++ {
		if tries > 3000 {
			t.Fatal("still connected")
		}
		s, err := conn.NewStream(nettest.Context(t))
		if err != nil {
			continue
		}
		io.WriteString(s, "\x13") // where a negotiation begins
		if tries > 100 {
			io.ReadAll(s) // until the reset
			s.Reset()
		}
	}
}
