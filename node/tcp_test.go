package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/internal/nettest"
)

// A node and a plain libp2p host exchange megabytes over TCP, on several streams at once.
func TestTCPNextToStock(t *testing.T) {
	n := startNode(t, Config{})
	n.HandleRaw(echoRaw)
	plain := plainHost(t, n, "tcp")
	state := plain.Network().ConnsToPeer(n.host.ID())[0].ConnState()
	if security := state.Security; security != tls.ID {
		t.Fatalf("the security protocol is %s", security)
	}
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { callPlain(t, plain, n.host.ID()) })
	}
	calls.Wait()
}

func echoRaw(ctx context.Context, _ address.ID, _ string, s pipe.Stream) {
	io.Copy(s, s)
	s.CloseWrite()
}

func callPlain(t *testing.T, plain host.Host, to peer.ID) {
	s, err := plain.NewStream(nettest.Context(t), to, "/x/cell/echo")
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	s.SetDeadline(time.Now().Add(nettest.Wait))
	data := make([]byte, 5<<20)
	rand.Read(data)
	go func() {
		s.Write(data)
		s.CloseWrite()
	}()
	got, err := io.ReadAll(s)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(data), err)
	}
}
