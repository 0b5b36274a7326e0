package node

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// A peer that is not trusted holds a few dozen calls and no more, whatever the transport
// and by whichever protocol; others have theirs. One that is trusted, from that moment
// on, has room.
func TestStrangersHoldFew(t *testing.T) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			var friends atomic.Pointer[[]address.ID]
			friends.Store(new([]address.ID))
			n := startNode(t, Config{Friends: func() []address.ID { return *friends.Load() }})
			echoBoth(n)
			one, other := plainHost(t, n, transport), plainHost(t, n, transport)

			held := []network.Stream{mustCall(t, one, n), mustCall(t, one, n)}
			for range strangerCalls - 2 {
				mustCall(t, one, n)
			}
			for range 3 {
				wantRefused(t, one, n)
			}
			mustCall(t, other, n)
			for _, s := range held {
				s.CloseWrite()
				if _, err := io.ReadAll(s); err != nil {
					t.Error(err)
				}
				// of which its caller hears first
				nettest.Eventually(t, "a call in the place of one that is over", func() bool {
					_, err := tryCall(t, one, n)
					return err == nil
				})
			}
			wantRefused(t, one, n)

			id, err := address.ParseID(one.ID().String())
			if err != nil {
				t.Fatal(err)
			}
			friends.Store(&[]address.ID{id})
			for range 2 * strangerCalls {
				mustCall(t, one, n)
			}
		})
	}
}

func echoBoth(n *Node) {
	echo(n)
	n.HandleRaw(func(_ context.Context, _ address.ID, _ string, s pipe.Stream) {
		io.Copy(s, s)
		s.CloseWrite()
	})
}

// mustCall opens a stream that is answered, as every second one by the raw protocol.
func mustCall(t *testing.T, from host.Host, to *Node) network.Stream {
	t.Helper()
	s, err := tryCall(t, from, to)
	if err != nil {
		t.Fatalf("a call: %v", err)
	}
	return s
}

func wantRefused(t *testing.T, from host.Host, to *Node) {
	t.Helper()
	_, err := tryCall(t, from, to)
	reset, ok := errors.AsType[*network.StreamError](err)
	if !ok || reset.ErrorCode != network.StreamResourceLimitExceeded {
		t.Fatalf("one more: %v", err)
	}
}

var turn atomic.Int32

func tryCall(t *testing.T, from host.Host, to *Node) (network.Stream, error) {
	name := "/x/cell/echo"
	if turn.Add(1)%2 == 0 {
		name = Protocol
	}
	s, err := from.NewStream(nettest.Context(t), to.host.ID(), protocol.ID(name))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { s.Reset() })
	if _, err := s.Write([]byte("x")); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(s, make([]byte, 1))
	return s, err
}

// A stranger who goes on and on is sent away, with all that it holds.
func TestStrangersAreSentAway(t *testing.T) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			n := startNode(t, Config{})
			echo(n)
			plain := plainHost(t, n, transport)
			conn := plain.Network().ConnsToPeer(n.host.ID())[0]
			tries := 0
			for ; !conn.IsClosed() && tries < 2*strangerRefusals; tries++ {
				s, err := conn.NewStream(nettest.Context(t))
				if err != nil {
					continue
				}
				io.WriteString(s, "\x13") // the beginning of a greeting
				if tries > strangerCalls {
					io.ReadAll(s) // to the reset
					s.Reset()
				}
			}
			if tries < strangerRefusals || !conn.IsClosed() {
				t.Errorf("after %d streams, the connection is closed: %v", tries, conn.IsClosed())
			}
		})
	}
}

// Nobody is remembered who has gone.
func TestStrangersAreForgotten(t *testing.T) {
	n := startNode(t, Config{})
	echoBoth(n)
	plain := plainHost(t, n, "tcp")
	mustCall(t, plain, n)
	plain.Close()
	nettest.Eventually(t, "to forget", func() bool {
		n.strangers.mu.Lock()
		defer n.strangers.mu.Unlock()
		return len(n.strangers.peers) == 0
	})
}
