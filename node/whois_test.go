package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node/transport"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

func mustWhois(t *testing.T, n *Node, at address.Place, want address.ID) {
	t.Helper()
	if got, err := n.Whois(nettest.Context(t), at); err != nil || got != want {
		t.Errorf("at %s is %v, %v; want %s", at, got, err, want)
	}
}

// TestWhois asks, and nothing is left of it; then again as one who is connected.
func TestWhois(t *testing.T) {
	b := startNode(t, Config{})
	accept(t, b)
	for name, place := range placesOf(t, b) {
		t.Run(name, func(t *testing.T) {
			a := startNode(t, Config{})
			known := a.host.Peerstore().Peers()
			mustWhois(t, a, place, b.ID())
			if now := a.host.Peerstore().Peers(); len(now) != len(known) ||
				len(a.swarm.Conns()) != 0 {
				t.Errorf("left behind: %v, %v", now, a.swarm.Conns())
			}
			s, err := a.Open(nettest.Context(t), b.ID(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var group sync.WaitGroup
			for range 8 {
				for _, other := range placesOf(t, b) {
					group.Go(func() { mustWhois(t, a, other, b.ID()) })
				}
			}
			group.Wait()
		})
	}
}

func TestWhoisItself(t *testing.T) {
	n := startNode(t, Config{Listen: transport.AllIPs()})
	for _, place := range placesOf(t, n) {
		mustWhois(t, n, place, n.ID())
	}
	if runtime.GOOS != "linux" {
		t.Skip("only 127.0.0.1 is there")
	}
	// An address that no interface has, as one that a router maps to us: the handshake tells.
	mustWhois(t, n, mustPlace(t, fmt.Sprintf("/ip4/127.0.0.2/udp/%d/quic-v1", portOf(n))), n.ID())
	mustWhois(t, n, mustPlace(t, fmt.Sprintf("/ip4/127.0.0.2/tcp/%d", portOf(n))), n.ID())
}

// TestWhoisExpected names who should be there.
func TestWhoisExpected(t *testing.T) {
	was, is := replaced(t)
	a := startNode(t, Config{})
	for _, transport := range []string{"quic", "tcp"} {
		place := placesOf(t, is)[transport]
		mustWhois(t, a, mustPlace(t, place.String()+"/p2p/"+is.ID().String()), is.ID())
		mustWhois(t, a, place, is.ID())
		for _, asker := range []*Node{a, is} {
			wrong := mustPlace(t, place.String()+"/p2p/"+was.String())
			_, err := asker.Whois(nettest.Context(t), wrong)
			if found, ok := errors.AsType[*Mismatch](err); !ok ||
				*found != (Mismatch{wrong.String(), was, is.ID()}) {
				t.Errorf("got %v", err)
			}
		}
	}
}

// TestWhoisConnected has a peer that lets nobody in any more: the connection there is answers.
func TestWhoisConnected(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	place := placesOf(t, b)["tcp"]
	s, err := a.Open(nettest.Context(t), b.ID(), place)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, nettest.Receive(t, came), "hello") // it is in
	b.swarm.ListenClose(b.swarm.ListenAddresses()...)
	mustWhois(t, a, place, b.ID())
	conn := a.conns.Of(a.swarm.Conns()[0])
	nettest.Eventually(t, "distrust", func() bool { return !conn.HeardLately() })
	mustWhois(t, a, place, b.ID())
	mustFail(t, startNode(t, Config{}), place, "connection refused")
}

func mustFail(t *testing.T, n *Node, at address.Place, want string) {
	t.Helper()
	began := time.Now()
	id, err := n.Whois(nettest.Context(t), at)
	switch {
	case err == nil:
		t.Errorf("at %s is %s", at, id)
	case !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), at.String()) ||
		strings.Contains(err.Error(), "\n"):
		t.Errorf("got %v, want %q in one line", err, want)
	}
	if took := time.Since(began); took > dialWait+3*time.Second {
		t.Errorf("took %v", took)
	}
	t.Log(err)
}

// TestWhoisAgain asks at once after nobody was there: a failure is no reason not to ask.
func TestWhoisAgain(t *testing.T) {
	was, is := replaced(t)
	port, place := portOf(is), placesOf(t, is)["tcp"]
	is.Close()
	a := startNode(t, Config{})
	for range 3 {
		mustFail(t, a, place, "connection refused")
	}
	if _, err := a.Open(nettest.Context(t), was, place); err == nil {
		t.Error("opened a stream to nobody")
	}
	mustWhois(t, a, place, startNode(t, Config{Port: port}).ID())
}

// TestWhoisOfStrangers asks servers that are no peers.
func TestWhoisOfStrangers(t *testing.T) {
	const refusal = "HTTP/1.1 400 Bad Request\r\n\r\n"
	for name, c := range map[string]struct {
		greet func(net.Conn)
		want  string
	}{
		"silence": {func(net.Conn) {}, "no answer in time"},
		"hang-up": {func(c net.Conn) { c.Close() }, "hung up"},
		"refusal": {func(c net.Conn) { io.WriteString(c, refusal); c.Close() }, "hung up"},
		"garbage": {func(c net.Conn) { io.WriteString(c, refusal+strings.Repeat("sorry ", 99)) },
			"does not speak libp2p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, startNode(t, Config{}), listenTCP(t, c.greet), c.want)
		})
	}
}

func TestWhoisRefuses(t *testing.T) {
	n := startNode(t, Config{})
	id := testIdentity(t).ID().String()
	mustFail(t, n, mustPlace(t, "/ip4/127.0.0.1/tcp"), "not a valid multiaddr")
	mustFail(t, n, mustPlace(t, "/p2p/"+id), "names a peer but not where it is")
	mustFail(t, n, mustPlace(t, "/ip4/127.0.0.1/udp/1"), "neither QUIC nor TCP")
	mustFail(t, n, mustPlace(t, "/ip4/127.0.0.1/tcp/1/p2p/"+id+"/p2p-circuit"), "append /p2p/ID")
	n.Close()
	mustFail(t, n, mustPlace(t, "127.0.0.1:1"), errClosed.Error())
}

// TestWhoisEnds gives up while nobody answers: as the caller, and as the node.
func TestWhoisEnds(t *testing.T) {
	asked := make(chan struct{}, 2)
	place := listenTCP(t, func(net.Conn) { asked <- struct{}{} })
	n := startNode(t, Config{})
	ctx, cancel := context.WithCancel(nettest.Context(t))
	for _, end := range []func(){cancel, func() { n.Close() }} {
		failed := make(chan error, 1)
		go func() {
			_, err := n.Whois(ctx, place)
			failed <- err
		}()
		nettest.Receive(t, asked)
		began := time.Now()
		end()
		if err := nettest.Receive(t, failed); err == nil || time.Since(began) > dialWait/2 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		ctx = nettest.Context(t)
	}
}

// TestWhoisThroughRelay needs the ID, since a relay has many peers behind it, and hangs
// up when it has it.
func TestWhoisThroughRelay(t *testing.T) {
	r := startRelay(t, "/ip4/127.0.0.1/tcp/0")
	a, b := startNode(t, Config{}), startNode(t, Config{})
	reserve(t, b, r)
	mustWhois(t, a, mustPlace(t, fmt.Sprintf("%s/p2p/%s/p2p-circuit/p2p/%s", r.Addrs()[0], r.ID(),
		b.ID())), b.ID())
	for ctx := nettest.Context(t); circuits(r) > 0; {
		select {
		case <-ctx.Done():
			t.Fatalf("%d circuits are open", circuits(r))
		case <-time.After(time.Millisecond):
		}
	}
}

// circuits counts the calls that a relay carries.
func circuits(relay host.Host) int {
	count := 0
	for _, conn := range relay.Network().Conns() {
		for _, s := range conn.GetStreams() {
			if s.Protocol() == proto.ProtoIDv2Hop {
				count++
			}
		}
	}
	return count
}
