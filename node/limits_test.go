package node

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/relay"
)

// There is room for everyone whom a node relays for, on however small a machine, and no
// room without end.
func TestCrowd(t *testing.T) {
	if relay.MaxReservations >= roomy || roomy >= crowded || crowded >= maxConns {
		t.Fatalf("%d peers that are relayed for shall fit into %d to %d connections, of %d",
			relay.MaxReservations, roomy, crowded, maxConns)
	}
	limits, err := newLimits(newStrangers(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer limits.Close()
	// Handshakes under way have a limit of their own.
	enter := func(i int) error {
		from := ma.StringCast(fmt.Sprintf("/ip4/8.%d.%d.8/udp/4433/quic-v1", i/256, i%256))
		scope, err := limits.OpenConnection(network.DirInbound, false, from)
		if err != nil {
			return err
		}
		t.Cleanup(scope.Done)
		return scope.SetPeer(peer.ID(fmt.Sprint("peer ", i)))
	}
	for i := range 20 * maxConns {
		if err := enter(i); err == nil {
			continue
		}
		if i < crowded {
			t.Errorf("there is room for %d connections, and relays are to hold %d", i, crowded)
		}
		return
	}
	t.Error("there is no limit")
}
