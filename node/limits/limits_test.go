package limits

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newManager(t *testing.T, cfg Config) *Manager {
	t.Helper()
	cfg.Protocol = callProtocol
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// The manager admits HighWater connections even on a small machine, and not without end.
func TestConnections(t *testing.T) {
	if LowWater >= HighWater || HighWater >= MaxConns {
		t.Fatalf("%d to %d connections, of %d", LowWater, HighWater, MaxConns)
	}
	m := newManager(t, Config{})
	open := func(i int) error {
		from := ma.StringCast(fmt.Sprintf("/ip4/8.%d.%d.8/udp/4433/quic-v1", i/256, i%256))
		scope, err := m.OpenConnection(network.DirInbound, false, from)
		if err != nil {
			return err
		}
		t.Cleanup(scope.Done)
		// handshakes under way have a limit of their own
		return scope.SetPeer(peer.ID(fmt.Sprint("peer ", i)))
	}
	for i := range 20 * MaxConns {
		if err := open(i); err == nil {
			continue
		}
		if i < HighWater {
			t.Errorf("only %d connections are admitted, want %d", i, HighWater)
		}
		return
	}
	t.Error("there is no limit")
}
