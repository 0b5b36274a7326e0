package node

import (
	"fmt"
	"io"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/security/noise"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// Who does not speak TLS, which we presume, is called all the same.
func TestPresumedWrongly(t *testing.T) {
	t.Parallel()
	relay := startRelay(t, "/ip4/127.0.0.1/tcp/0")
	other, err := libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.DisableMetrics(),
		libp2p.Security(noise.ID, noise.New))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	other.SetStreamHandler(Protocol, func(s network.Stream) {
		defer s.Close()
		io.Copy(s, s)
	})
	if _, err := client.Reserve(nettest.Context(t), other, *host.InfoFromHost(relay)); err != nil {
		t.Fatal(err)
	}
	place := mustPlace(t, fmt.Sprintf("%s/p2p/%s/p2p-circuit/p2p/%s", relay.Addrs()[0], relay.ID(),
		other.ID()))
	n := startNode(t, Config{})
	id, err := n.Whois(nettest.Context(t), place)
	if err != nil {
		t.Fatal(err)
	}
	s, err := n.Open(nettest.Context(t), id, place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, s, "hello")
}
