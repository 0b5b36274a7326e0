package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

func TestMain(m *testing.M) {
	QuietLibraries()
	goleak.VerifyTestMain(m)
}

var loopback = netip.MustParseAddr("127.0.0.1")

func testIdentity(t *testing.T) Identity {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := newIdentity(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// startNode makes a node on loopback that runs until the test ends. Unless cfg says
// otherwise it looks for nobody.
func startNode(t *testing.T, cfg Config, opts ...Option) *Node {
	t.Helper()
	if cfg.Identity.key == nil {
		cfg.Identity = testIdentity(t)
	}
	if cfg.Mesh == "" {
		cfg.Mesh = "none"
	}
	if len(cfg.Listen) == 0 {
		cfg.Listen = []netip.Addr{loopback}
	}
	cfg.NoMDNS = true
	return runNode(t, cfg, opts...)
}

func runNode(t *testing.T, cfg Config, opts ...Option) *Node {
	t.Helper()
	n, err := New(cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// at is the address of a node on one transport, "quic-v1" or "tcp".
func at(t *testing.T, n *Node, transport string) address.Place {
	t.Helper()
	for _, a := range n.Addrs() {
		if strings.Contains(a, "/"+transport) {
			return mustPlace(t, a)
		}
	}
	t.Fatalf("no %s among %v", transport, n.Addrs())
	return address.Place{}
}

func mustPlace(t *testing.T, text string) address.Place {
	t.Helper()
	p, err := address.ParsePeer(text)
	if err != nil {
		t.Fatal(err)
	}
	place, ok := p.Place()
	if !ok {
		t.Fatalf("%s is no place", text)
	}
	return place
}

// accept makes a node hand what comes in to the test. The handler returns when the test is over.
func accept(t *testing.T, n *Node) <-chan pipe.Stream {
	t.Helper()
	came := make(chan pipe.Stream, 16)
	n.Handle(func(ctx context.Context, _ address.ID, s pipe.Stream) {
		came <- s
		<-ctx.Done()
	})
	return came
}

func TestCall(t *testing.T) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			a, b := startNode(t, Config{}), startNode(t, Config{})
			callers := make(chan address.ID, 1)
			b.Handle(func(_ context.Context, caller address.ID, s pipe.Stream) {
				callers <- caller
				io.Copy(s, s)
				s.CloseWrite()
			})
			s, err := a.Open(nettest.Context(t), b.ID(), at(t, b, transport))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			fmt.Fprint(s, "hello")
			s.CloseWrite()
			if got, err := io.ReadAll(s); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
			if caller := nettest.Receive(t, callers); caller != a.ID() {
				t.Errorf("caller is %s, want %s", caller, a.ID())
			}
		})
	}
}

func TestUnknownRelayPolicy(t *testing.T) {
	if _, err := New(Config{Identity: testIdentity(t), Relay: "everyone"}); err == nil {
		t.Error("an unknown policy for relaying was accepted")
	}
}

func TestClose(t *testing.T) {
	n, err := New(Config{Identity: testIdentity(t), Mesh: "none", NoMDNS: true,
		Listen: []netip.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := n.Run(context.Background()); err != nil {
		t.Errorf("run after close: %v", err)
	}
	if _, err := n.Open(nettest.Context(t), testIdentity(t).ID()); !errors.Is(err, errClosed) {
		t.Errorf("open after close: %v", err)
	}
}

// echo makes a node send back what it gets.
func echo(n *Node) {
	n.Handle(func(_ context.Context, _ address.ID, s pipe.Stream) {
		io.Copy(s, s)
		s.CloseWrite()
	})
}
