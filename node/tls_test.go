package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

var muxers = []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}

// makes are our TLS and libp2p's own.
var makes = map[string]func(Identity) (sec.SecureTransport, error){
	"ours": func(i Identity) (sec.SecureTransport, error) {
		return newSecurity(tls.ID, i.key, muxers)
	},
	"stock": func(i Identity) (sec.SecureTransport, error) {
		return tls.New(tls.ID, i.key, muxers)
	},
}

// watched counts the writes to a connection, and the connection is no socket to those above.
type watched struct {
	net.Conn
	writes atomic.Int32
}

func (w *watched) Write(p []byte) (int, error) {
	w.writes.Add(1)
	return w.Conn.Write(p)
}

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return a, b
}

// shake has a dial b, which must be want.
func shake(t *testing.T, dials, answers sec.SecureTransport, a, b net.Conn,
	want peer.ID) (one, other sec.SecureConn, err error) {
	t.Helper()
	ctx := nettest.Context(t)
	var answered error
	var both sync.WaitGroup
	both.Go(func() { other, answered = answers.SecureInbound(ctx, b, "") })
	one, err = dials.SecureOutbound(ctx, a, want)
	if err != nil {
		a.Close()
	}
	both.Wait()
	if err != nil {
		return nil, nil, err
	}
	if answered != nil {
		t.Fatal(answered)
	}
	for _, conn := range []net.Conn{one, other} {
		conn.SetDeadline(time.Now().Add(nettest.Wait))
	}
	return one, other, nil
}

func securedPair(t *testing.T, a, b net.Conn) (one, other sec.SecureConn) {
	t.Helper()
	dials, answers := testIdentity(t), testIdentity(t)
	client, err := makes["ours"](dials)
	if err != nil {
		t.Fatal(err)
	}
	server, err := makes["ours"](answers)
	if err != nil {
		t.Fatal(err)
	}
	if one, other, err = shake(t, client, server, a, b, answers.peerID(t)); err != nil {
		t.Fatal(err)
	}
	return one, other
}

func (i Identity) peerID(t *testing.T) peer.ID {
	t.Helper()
	id, err := peer.IDFromPrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// It is libp2p's TLS to whoever speaks that: the same muxer, the same proof of who is
// there, the same bytes, both ways at once.
func TestSecurityNextToStock(t *testing.T) {
	for _, pair := range [][2]string{{"ours", "stock"}, {"stock", "ours"}, {"ours", "ours"}} {
		t.Run(pair[0]+" dials "+pair[1], func(t *testing.T) {
			dials, answers := testIdentity(t), testIdentity(t)
			client, err := makes[pair[0]](dials)
			if err != nil {
				t.Fatal(err)
			}
			server, err := makes[pair[1]](answers)
			if err != nil {
				t.Fatal(err)
			}
			a, b := tcpPair(t)
			one, other, err := shake(t, client, server, a, b, answers.peerID(t))
			if err != nil {
				t.Fatal(err)
			}
			if one.RemotePeer() != answers.peerID(t) || other.RemotePeer() != dials.peerID(t) {
				t.Errorf("they take each other for %s and %s", one.RemotePeer(), other.RemotePeer())
			}
			for _, conn := range []sec.SecureConn{one, other} {
				if got := conn.ConnState().StreamMultiplexer; got != yamux.ID {
					t.Errorf("the muxer is %q", got)
				}
			}
			var both sync.WaitGroup
			for _, way := range [][2]sec.SecureConn{{one, other}, {other, one}} {
				both.Go(func() { carryRandom(t, way[0], way[1]) })
			}
			both.Wait()

			a, b = tcpPair(t)
			_, _, err = shake(t, client, refusing{server}, a, b, dials.peerID(t))
			var mismatch sec.ErrPeerIDMismatch
			if !errors.As(err, &mismatch) || mismatch.Actual != answers.peerID(t) {
				t.Errorf("someone else answered: %v", err)
			}
		})
	}
}

// refusing is a server whose handshake may fail.
type refusing struct{ sec.SecureTransport }

func (r refusing) SecureInbound(ctx context.Context, conn net.Conn,
	p peer.ID) (sec.SecureConn, error) {
	r.SecureTransport.SecureInbound(ctx, conn, p)
	return nil, nil
}

// carryRandom sends writes of many sizes, and compares what arrives.
func carryRandom(t *testing.T, from, to net.Conn) {
	const size = 8 << 20
	data := make([]byte, size)
	rand.Read(data)
	sent := make(chan error, 1)
	go func() {
		for rest, n := data, 1; len(rest) > 0; n = n*7%131_071 + 1 {
			n = min(n, len(rest))
			if wrote, err := from.Write(rest[:n]); err != nil || wrote != n {
				sent <- fmt.Errorf("wrote %d of %d: %w", wrote, n, err)
				return
			}
			rest = rest[n:]
		}
		sent <- nil
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(to, got); err != nil {
		t.Error(err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(data) {
		t.Error("what came is not what was sent")
	}
}

// What yamux writes at a time, four records, is one write beneath, and so is a small one.
func TestSecurityWritesOnce(t *testing.T) {
	a, b := tcpPair(t)
	w := &watched{Conn: a}
	one, other := securedPair(t, w, b)
	carryRandom(t, one, other) // after which TLS makes records of full size
	for _, size := range []int{1, 12, 64 << 10} {
		before := w.writes.Load()
		if n, err := one.Write(make([]byte, size)); n != size || err != nil {
			t.Fatal(n, err)
		}
		if got := w.writes.Load() - before; got != 1 {
			t.Errorf("a write of %d bytes took %d", size, got)
		}
		if _, err := io.ReadFull(other, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
}

// Many who write at once lose and tear nothing.
func TestSecurityManyWriters(t *testing.T) {
	a, b := tcpPair(t)
	one, other := securedPair(t, a, b)
	const writers, each, size = 8, 50, 20_000
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			p := make([]byte, size)
			for j := range p {
				p[j] = byte(i)
			}
			for range each {
				if _, err := one.Write(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	p := make([]byte, size)
	var seen [writers]int
	for range writers * each {
		if _, err := io.ReadFull(other, p); err != nil {
			t.Fatal(err)
		}
		for _, c := range p {
			if c != p[0] {
				t.Fatal("a write was torn")
			}
		}
		seen[p[0]]++
	}
	work.Wait()
	for i, n := range seen {
		if n != each {
			t.Errorf("of writer %d came %d writes", i, n)
		}
	}
}

// A node and a host with stock settings carry much, both ways at once, on many streams.
func TestTCPNextToStock(t *testing.T) {
	n := startNode(t, Config{})
	n.HandleRaw(echoRaw)
	plain := plainHost(t, n, "tcp")
	if security := plain.Network().ConnsToPeer(n.host.ID())[0].ConnState().Security; security != tls.ID {
		t.Fatalf("they speak %s", security)
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
