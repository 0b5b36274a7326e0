package node

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/transport"

	"github.com/cell-mesh/cell/node/peerconn"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// TestSilence switches a machine off in the middle of a call: both ends notice soon, and see
// a cut.
func TestSilence(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	line := nettest.NewCable(t, portOf(b))
	to := fmt.Sprintf("%s/p2p/%s", line.Addr(), b.ID())
	opened, err := a.Open(nettest.Context(t), b.ID(), mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	fmt.Fprint(opened, "hello")
	accepted := nettest.Receive(t, came)
	expect(t, accepted, "hello")

	line.Cut()
	began := time.Now()
	var group sync.WaitGroup
	group.Go(func() { expectCut(t, opened) })
	group.Go(func() { expectCut(t, accepted) })
	group.Wait()
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("noticed after %v", took)
	} else {
		t.Logf("noticed after %v", took)
	}
}

// TestIdleIsNotPinged ends the only call on a connection, which is not pinged any more.
func TestIdleIsNotPinged(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	s, err := a.Open(nettest.Context(t), b.ID(), at(t, b, "quic-v1"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "hello")
	far := nettest.Receive(t, came)
	for _, n := range []*Node{a, b} {
		if watches(n) != 1 {
			t.Errorf("%d watches with a call", watches(n))
		}
	}
	s.Close()
	far.Close()
	for _, n := range []*Node{a, b} {
		if watches(n) != 0 {
			t.Errorf("%d watches without a call", watches(n))
		}
	}
	if status := a.Status(); len(status.Peers) != 1 || status.Peers[0].Streams != 0 ||
		status.Peers[0].Transport != "quic" {
		t.Errorf("status: %+v", status.Peers)
	}
}

// watches counts the connections that are pinged.
func watches(n *Node) int {
	count := 0
	for _, conn := range n.swarm.Conns() {
		if n.conns.Calls(conn) > 0 {
			count++
		}
	}
	return count
}

// TestDeadConnection calls a peer that has become silent since the last call, while QUIC
// still believes in the connection.
func TestDeadConnection(t *testing.T) {
	t.Parallel()
	identity := testIdentity(t)
	a, b := startNode(t, Config{}), startNode(t, Config{Identity: identity})
	came := accept(t, b)
	line := nettest.NewCable(t, portOf(b))
	to := fmt.Sprintf("%s/p2p/%s", line.Addr(), b.ID())
	s, err := a.Open(nettest.Context(t), b.ID(), mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "hello")
	nettest.Receive(t, came).Close()
	s.Close()
	conn := a.conns.Of(a.swarm.Conns()[0])
	nettest.Eventually(t, "distrust", func() bool { return !conn.HeardLately() })
	line.Cut()
	s, err = a.Open(nettest.Context(t), b.ID(), at(t, b, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "again")
	expect(t, nettest.Receive(t, came), "again")
}

// TestUnanswered calls over a connection that has died within the last second. The caller is
// told in time to make another call, however many pings are under way already.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	line := nettest.NewCable(t, portOf(b))
	to := mustPlace(t, fmt.Sprintf("%s/p2p/%s", line.Addr(), b.ID()))
	first, err := a.Open(nettest.Context(t), b.ID(), to)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(first, "hello")
	nettest.Receive(t, came).Close()
	first.Close()
	line.Cut()
	conn := a.conns.Of(a.swarm.Conns()[0])
	for range 4 {
		a.tasks.Go(func() { conn.Ping(a.tasks.Context()) })
	}
	conn.Hear()
	nettest.Eventually(t, "pings", func() bool { return asks(a, b) == 4 })
	s, err := a.Open(nettest.Context(t), b.ID(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "request")
	began := time.Now()
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, pipe.ErrUnanswered) ||
		time.Since(began) > peerconn.AnswerWait+2*peerconn.ProbeWait {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// asks returns how many pings are under way.
func asks(from, to *Node) (number int) {
	for _, conn := range from.host.Network().ConnsToPeer(to.host.ID()) {
		for _, s := range conn.GetStreams() {
			if s.Protocol() == ping.ID {
				number++
			}
		}
	}
	return number
}

// TestManyStreams opens more calls at once between two peers than libp2p allows by itself,
// over each transport. It runs alone: it would delay tests that measure time.
func TestManyStreams(t *testing.T) {
	const many = 1500
	for _, over := range []string{"quic-v1", "tcp"} {
		t.Run(over, func(t *testing.T) {
			a := startNode(t, Config{})
			// one address alone has libp2p's limit
			b := startNode(t, Config{Listen: transport.AllIPs(), Friends: func() []address.ID {
				return []address.ID{a.ID()}
			}})
			echo(b)
			var to string
			for _, addr := range b.Addrs() {
				if strings.HasPrefix(addr, "/ip4/127.0.0.1/") &&
					strings.Contains(addr, "/"+over) {
					to = addr
				}
			}
			ctx := nettest.Context(t)
			var group sync.WaitGroup
			var failed atomic.Int64
			all := make(chan struct{})
			var open atomic.Int64
			for range many {
				group.Go(func() {
					s, err := a.Open(ctx, b.ID(), mustPlace(t, to))
					if err != nil {
						failed.Add(1)
						t.Log(err)
						return
					}
					defer s.Close()
					s.SetDeadline(time.Now().Add(nettest.Wait))
					fmt.Fprint(s, "x")
					if _, err := s.Read(make([]byte, 1)); err != nil {
						failed.Add(1)
						t.Log(err)
						return
					}
					if open.Add(1) == many {
						close(all)
					}
					select {
					case <-all:
					case <-ctx.Done():
					}
				})
			}
			group.Wait()
			if failed.Load() > 0 || open.Load() != many {
				t.Errorf("%d failed, %d were open", failed.Load(), open.Load())
			}
		})
	}
}
