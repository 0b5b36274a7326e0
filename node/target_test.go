package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"

	"github.com/cell-mesh/cell/node/internal/nettest"

	"github.com/cell-mesh/cell/node/peerconn"
)

// placesOf are the ways to write where a node on loopback is: with each transport alone,
// and with both.
func placesOf(t *testing.T, n *Node) map[string]address.Place {
	t.Helper()
	port := portOf(n)
	return map[string]address.Place{
		"quic": mustPlace(t, fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", port)),
		"tcp":  mustPlace(t, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port)),
		"both": mustPlace(t, fmt.Sprintf("127.0.0.1:%d", port)),
	}
}

func TestOpenAtPlace(t *testing.T) {
	b := startNode(t, Config{})
	echo(b)
	for name, place := range placesOf(t, b) {
		t.Run(name, func(t *testing.T) {
			a := startNode(t, Config{})
			s, err := a.Open(nettest.Context(t), b.ID(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			fmt.Fprint(s, "hello")
			expect(t, s, "hello")
			if route := s.(*peerconn.Stream).Route(); name != "both" && route != "direct "+name {
				t.Errorf("route is %s", route)
			}
		})
	}
}

// replaced starts a node where another was, and returns whose place it took.
func replaced(t *testing.T) (was address.ID, is *Node) {
	t.Helper()
	startNode(t, Config{}) // has the default port, so that nobody takes that by chance
	old := startNode(t, Config{})
	port := portOf(old)
	old.Close()
	return old.ID(), startNode(t, Config{Port: port})
}

// TestMismatch calls a peer at a place where somebody else lives now.
func TestMismatch(t *testing.T) {
	was, is := replaced(t)
	for name, place := range placesOf(t, is) {
		t.Run(name, func(t *testing.T) {
			a := startNode(t, Config{})
			_, err := a.Open(nettest.Context(t), was, place)
			want := Mismatch{place.String(), was, is.ID()}
			if found, ok := errors.AsType[*Mismatch](err); !ok || *found != want {
				t.Fatalf("got %v", err)
			}
			for _, part := range []string{place.String(), was.String(), is.ID().String()} {
				if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v does not name %s in one line", err, part)
				}
			}
		})
	}
	t.Run("own", func(t *testing.T) {
		_, err := is.Open(nettest.Context(t), was, placesOf(t, is)["both"])
		if found, ok := errors.AsType[*Mismatch](err); !ok || found.Actual != is.ID() {
			t.Errorf("got %v", err)
		}
	})
}

// TestMismatchIsNoObstacle gives a place where somebody else is, and a name, which leads
// to the peer as soon as that is known.
func TestMismatchIsNoObstacle(t *testing.T) {
	b, c := startNode(t, Config{}), startNode(t, Config{})
	accept(t, b)
	dns := &lateDNS{fakeDNS: fakeDNS{records: map[string][]string{"b.example.org": {"127.0.0.1"}}},
		come: make(chan struct{})}
	a := startNode(t, Config{Resolver: dns})
	opened := make(chan error, 1)
	go func() {
		s, err := a.Open(nettest.Context(t), b.ID(), placesOf(t, c)["tcp"],
			mustPlace(t, fmt.Sprintf("b.example.org:%d", portOf(b))))
		if err == nil {
			s.Close()
		}
		opened <- err
	}()
	for mismatches(a) == 0 {
		select {
		case err := <-opened:
			t.Fatalf("opened before the peer was found: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	close(dns.come)
	if err := nettest.Receive(t, opened); err != nil {
		t.Error(err)
	}
}

// mismatches counts the addresses at which somebody else answered, in the searches under way.
func mismatches(n *Node) int {
	n.flights.mu.Lock()
	defer n.flights.mu.Unlock()
	count := 0
	for _, f := range n.flights.of {
		count += len(f.others)
	}
	return count
}

// lateDNS answers when the time has come.
type lateDNS struct {
	fakeDNS
	come chan struct{}
}

func (d *lateDNS) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	select {
	case <-d.come:
		return d.fakeDNS.LookupIPAddr(ctx, host)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestMismatchIsTold to someone who does not wait until all else has failed.
func TestMismatchIsTold(t *testing.T) {
	t.Parallel()
	a, b := startNode(t, Config{Resolver: deafDNS{}}), startNode(t, Config{})
	ctx, cancel := context.WithTimeout(nettest.Context(t), lookupWait/2)
	defer cancel()
	_, err := a.Open(ctx, testIdentity(t).ID(), placesOf(t, b)["both"], mustPlace(t, "example.org"))
	if found, ok := errors.AsType[*Mismatch](err); !ok || found.Actual != b.ID() {
		t.Errorf("got %v", err)
	}
}

// TestPlaceComesLate gives a place along to a search that is under way, and getting nowhere.
func TestPlaceComesLate(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	accept(t, b)
	asked := make(chan struct{}, 1)
	nowhere := listenTCP(t, func(net.Conn) { asked <- struct{}{} })
	first := make(chan error, 1)
	go func() {
		s, err := a.Open(nettest.Context(t), b.ID(), nowhere)
		if err == nil {
			s.Close()
		}
		first <- err
	}()
	nettest.Receive(t, asked)
	began := time.Now()
	s, err := a.Open(nettest.Context(t), b.ID(), placesOf(t, b)["both"])
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := nettest.Receive(t, first); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > dialWait/2 {
		t.Errorf("took %v", took)
	}
}

// listenTCP makes a server that greets who connects, reads what they say, and never says
// more. It returns where it is.
func listenTCP(t *testing.T, greet func(net.Conn)) address.Place {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			greet(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return mustPlace(t, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", listener.Addr().(*net.TCPAddr).Port))
}

func TestSpot(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":                "[/ip4/192.0.2.7/udp/4433/quic-v1 /ip4/192.0.2.7/tcp/4433]",
		"192.0.2.7:22":             "[/ip4/192.0.2.7/udp/22/quic-v1 /ip4/192.0.2.7/tcp/22]",
		"2001:db8::1":              "[/ip6/2001:db8::1/udp/4433/quic-v1 /ip6/2001:db8::1/tcp/4433]",
		"[2001:db8::1]:22":         "[/ip6/2001:db8::1/udp/22/quic-v1 /ip6/2001:db8::1/tcp/22]",
		"::ffff:192.0.2.7":         "[/ip4/192.0.2.7/udp/4433/quic-v1 /ip4/192.0.2.7/tcp/4433]",
		"/ip4/192.0.2.7/tcp/4433":  "[/ip4/192.0.2.7/tcp/4433]",
		"/dns4/example.org/tcp/22": "[/dns4/example.org/tcp/22]",
		"/dnsaddr/example.org":     "[/dnsaddr/example.org]",
		"example.org":              "[]",
	} {
		s, err := newTarget(mustPlace(t, text))
		if err != nil || fmt.Sprint(s.known) != want {
			t.Errorf("%s: %v, %v", text, s.known, err)
		}
	}
}
