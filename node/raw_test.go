package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// plainHost is a libp2p program that knows nothing of cell, connected to a node by one transport.
func plainHost(t *testing.T, n *Node, transport string) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0",
		"/ip4/127.0.0.1/udp/0/quic-v1"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	info, err := peer.AddrInfoFromString(at(t, n, transport).String())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(nettest.Context(t), *info); err != nil {
		t.Fatal(err)
	}
	return h
}

func onRaw(t *testing.T, serve func(pipe.Stream),
	test func(t *testing.T, n *Node, plain host.Host)) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			n := startNode(t, Config{})
			n.HandleRaw(func(_ context.Context, _ address.ID, _ string, s pipe.Stream) { serve(s) })
			test(t, n, plainHost(t, n, transport))
		})
	}
}

func TestRaw(t *testing.T) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			n := startNode(t, Config{})
			calls := make(chan string, 1)
			n.HandleRaw(func(_ context.Context, caller address.ID, name string, s pipe.Stream) {
				calls <- fmt.Sprintf("%s by %s, watched by %d", name, caller, watches(n))
				io.Copy(s, s)
				s.CloseWrite()
			})
			plain := plainHost(t, n, transport)
			s, err := plain.NewStream(nettest.Context(t), n.host.ID(), "/x/cell/echo")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(s, "hello")
			s.CloseWrite()
			if got, err := io.ReadAll(s); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
			if got, want := nettest.Receive(t, calls), fmt.Sprintf("echo by %s, watched by 1",
				plain.ID()); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestRawCut aborts on either side: neither takes it for an end. One that nobody serves is cut too.
func TestRawCut(t *testing.T) {
	abort := func(s pipe.Stream) {
		fmt.Fprint(s, "not all")
		s.Read(make([]byte, 1))
		s.Abort(errors.New("because"))
	}
	leave := func(pipe.Stream) {}
	for name, serve := range map[string]func(pipe.Stream){"abort": abort, "leave": leave} {
		t.Run(name, func(t *testing.T) {
			onRaw(t, serve, func(t *testing.T, n *Node, plain host.Host) {
				s, err := plain.NewStream(nettest.Context(t), n.host.ID(), "/x/cell/echo")
				if err == nil { // else it was cut in the middle of the negotiation
					fmt.Fprint(s, "hello")
					_, err = io.ReadAll(s)
				}
				if !errors.Is(err, network.ErrReset) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	t.Run("caller", func(t *testing.T) {
		ended := make(chan error, 1)
		read := func(s pipe.Stream) {
			_, err := io.Copy(io.Discard, s)
			ended <- err
		}
		onRaw(t, read, func(t *testing.T, n *Node, plain host.Host) {
			s, err := plain.NewStream(nettest.Context(t), n.host.ID(), "/x/cell/echo")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(s, "hello")
			s.Reset()
			if err := nettest.Receive(t, ended); err == nil {
				t.Error("a cut came as an end")
			}
		})
	})
}

// TestRawIsNotListed looks at a node as a stranger does, after others have called its cells.
func TestRawIsNotListed(t *testing.T) {
	onRaw(t, func(s pipe.Stream) { s.CloseWrite() }, func(t *testing.T, n *Node, plain host.Host) {
		for _, name := range []string{"echo", "retina", strings.Repeat("n", address.MaxName)} {
			s, err := plain.NewStream(nettest.Context(t), n.host.ID(), protocol.ID(rawPrefix+name))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.Close()
		}
		stranger := plainHost(t, n, "tcp")
		// knows the list by then
		s, err := stranger.NewStream(nettest.Context(t), n.host.ID(), ping.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.Reset()
		listed, err := stranger.Peerstore().GetProtocols(n.host.ID())
		if err != nil || !slices.Contains(listed, rawListed) {
			t.Errorf("listed are %v, %v", listed, err)
		}
		for _, p := range listed {
			if strings.HasPrefix(string(p), rawPrefix) {
				t.Errorf("%s is listed", p)
			}
		}
	})
}

// TestRawNames has names that can't be a cell's refused before anybody counts or keeps them.
func TestRawNames(t *testing.T) {
	onRaw(t, func(s pipe.Stream) { s.CloseWrite() }, func(t *testing.T, n *Node, plain host.Host) {
		for _, name := range []string{"", strings.Repeat("n", address.MaxName+1)} {
			_, err := plain.NewStream(nettest.Context(t), n.host.ID(), protocol.ID("/x/cell/"+name))
			_, refused := errors.AsType[multistream.ErrNotSupported[protocol.ID]](err)
			if !refused {
				t.Errorf("%q: %v", name, err)
			}
		}
	})
}
