package node

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/p2p/protocol/ping"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

// cable is a UDP path between a node and those who dial it, until it is cut: then packets
// vanish, and nobody is told.
type cable struct {
	front   *net.UDPConn
	back    atomic.Pointer[net.UDPConn]
	caller  atomic.Pointer[net.UDPAddr]
	to      int
	cut     atomic.Bool
	packets atomic.Int64
	group   sync.WaitGroup
}

func newCable(t *testing.T, to int) *cable {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{front: front, to: to}
	c.renumber(t)
	c.group.Go(func() {
		c.carry(front, func(data []byte, from *net.UDPAddr) {
			c.caller.Store(from)
			c.back.Load().Write(data)
		})
	})
	t.Cleanup(func() {
		front.Close()
		c.back.Load().Close()
		c.group.Wait()
	})
	return c
}

// renumber gives it another address at its far end.
func (c *cable) renumber(t *testing.T) {
	t.Helper()
	back, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.to})
	if err != nil {
		t.Fatal(err)
	}
	if was := c.back.Swap(back); was != nil {
		was.Close()
	}
	c.group.Go(func() {
		c.carry(back, func(data []byte, _ *net.UDPAddr) {
			c.front.WriteToUDP(data, c.caller.Load())
		})
	})
}

// outside is that address.
func (c *cable) outside() net.Addr { return c.back.Load().LocalAddr() }

// carry passes on what comes from one end, until that is closed.
func (c *cable) carry(from *net.UDPConn, pass func([]byte, *net.UDPAddr)) {
	data := make([]byte, 64<<10)
	for {
		n, addr, err := from.ReadFromUDP(data)
		if err != nil {
			return
		}
		if c.packets.Add(1); !c.cut.Load() {
			pass(data[:n], addr)
		}
	}
}

// TestSilence is a machine that is switched off in the middle of a call: both ends
// notice, soon, and see a cut.
func TestSilence(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	line := newCable(t, portOf(b))
	to := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1/p2p/%s",
		line.front.LocalAddr().(*net.UDPAddr).Port, b.ID())
	opened, err := a.Open(testContext(t), b.ID(), mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	fmt.Fprint(opened, "hello")
	accepted := receive(t, came)
	expect(t, accepted, "hello")

	line.cut.Store(true)
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

// TestIdleIsNotPinged counts the packets of a connection on which there is no call any more.
func TestIdleIsNotPinged(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	s, err := a.Open(testContext(t), b.ID(), at(t, b, "quic-v1"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "hello")
	far := receive(t, came)
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

// linksOf are those of a node's connections.
func linksOf(n *Node) []*link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Values(n.links))
}

// watches counts the connections that are pinged.
func watches(n *Node) int {
	count := 0
	for _, l := range linksOf(n) {
		if l.calls() > 0 {
			count++
		}
	}
	return count
}

// TestDeadConnection calls a peer that was restarted since the last call, when QUIC still
// believes in the old connection.
func TestDeadConnection(t *testing.T) {
	t.Parallel()
	identity := testIdentity(t)
	a, b := startNode(t, Config{}), startNode(t, Config{Identity: identity})
	came := accept(t, b)
	line := newCable(t, portOf(b))
	to := fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1/p2p/%s",
		line.front.LocalAddr().(*net.UDPAddr).Port, b.ID())
	s, err := a.Open(testContext(t), b.ID(), mustPlace(t, to))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "hello")
	receive(t, came).Close()
	s.Close()
	for _, l := range linksOf(a) {
		l.heard.Store(0) // as if a while had passed
	}
	line.cut.Store(true)
	s, err = a.Open(testContext(t), b.ID(), at(t, b, "tcp"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "again")
	expect(t, receive(t, came), "again")
}

// TestUnanswered makes a call on a connection that has died since it was heard of, a
// moment ago. It is told so in time to make another, however many ask there for a sign of
// life already.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{}), startNode(t, Config{})
	came := accept(t, b)
	line := newCable(t, portOf(b))
	to := mustPlace(t, fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1/p2p/%s",
		line.front.LocalAddr().(*net.UDPAddr).Port, b.ID()))
	first, err := a.Open(testContext(t), b.ID(), to)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(first, "hello")
	receive(t, came).Close()
	first.Close()
	line.cut.Store(true)
	for _, l := range linksOf(a) {
		for range 4 {
			a.tasks.Go(func() { l.ping(a.tasks.Context()) })
		}
		l.hear()
	}
	eventually(t, "pings", func() bool { return asks(a, b) == 4 })
	s, err := a.Open(testContext(t), b.ID(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "request")
	began := time.Now()
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, pipe.ErrUnanswered) ||
		time.Since(began) > doubtAfter+2*stillWait {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// asks is how many pings are under way.
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

// TestManyStreams has more calls open between two peers at once than libp2p allows by
// itself, on either transport. It runs alone: beside it those that measure time would be
// late.
func TestManyStreams(t *testing.T) {
	const many = 1500
	for _, transport := range []string{"quic-v1", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			a := startNode(t, Config{})
			// one address alone has libp2p's limit
			b := startNode(t, Config{Listen: everywhere(), Friends: func() []address.ID {
				return []address.ID{a.ID()}
			}})
			echo(b)
			var to string
			for _, addr := range b.Addrs() {
				if strings.HasPrefix(addr, "/ip4/127.0.0.1/") &&
					strings.Contains(addr, "/"+transport) {
					to = addr
				}
			}
			ctx := testContext(t)
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
					s.SetDeadline(time.Now().Add(testWait))
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
