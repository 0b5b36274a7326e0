package transport

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

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

var muxers = []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}

// makes are our TLS and libp2p's.
var makes = map[string]func(crypto.PrivKey) (sec.SecureTransport, error){
	"ours": func(key crypto.PrivKey) (sec.SecureTransport, error) {
		return NewTLS(tls.ID, key, muxers)
	},
	"stock": func(key crypto.PrivKey) (sec.SecureTransport, error) {
		return tls.New(tls.ID, key, muxers)
	},
}

// watched counts the writes to a connection. To the layers above it is not a socket.
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

// shake lets a dial b, whose ID must be want.
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
	dials, answers := newKey(t), newKey(t)
	client, err := makes["ours"](dials)
	if err != nil {
		t.Fatal(err)
	}
	server, err := makes["ours"](answers)
	if err != nil {
		t.Fatal(err)
	}
	if one, other, err = shake(t, client, server, a, b, peerID(t, answers)); err != nil {
		t.Fatal(err)
	}
	return one, other
}

func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func peerID(t *testing.T, key crypto.PrivKey) peer.ID {
	t.Helper()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// To libp2p's own TLS ours looks the same: the same muxer, the same proof of the peer's ID
// and the same bytes, in both directions at once.
func TestSecurityNextToStock(t *testing.T) {
	for _, pair := range [][2]string{{"ours", "stock"}, {"stock", "ours"}, {"ours", "ours"}} {
		t.Run(pair[0]+" dials "+pair[1], func(t *testing.T) {
			dials, answers := newKey(t), newKey(t)
			client, err := makes[pair[0]](dials)
			if err != nil {
				t.Fatal(err)
			}
			server, err := makes[pair[1]](answers)
			if err != nil {
				t.Fatal(err)
			}
			a, b := tcpPair(t)
			one, other, err := shake(t, client, server, a, b, peerID(t, answers))
			if err != nil {
				t.Fatal(err)
			}
			if one.RemotePeer() != peerID(t, answers) || other.RemotePeer() != peerID(t, dials) {
				t.Errorf("the remote peers are %s and %s", one.RemotePeer(), other.RemotePeer())
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
			_, _, err = shake(t, client, refusing{server}, a, b, peerID(t, dials))
			var mismatch sec.ErrPeerIDMismatch
			if !errors.As(err, &mismatch) || mismatch.Actual != peerID(t, answers) {
				t.Errorf("another peer answered: %v", err)
			}
		})
	}
}

// refusing is a server that ignores a failed handshake.
type refusing struct{ sec.SecureTransport }

func (r refusing) SecureInbound(ctx context.Context, conn net.Conn,
	p peer.ID) (sec.SecureConn, error) {
	r.SecureTransport.SecureInbound(ctx, conn, p)
	return nil, nil
}

// carryRandom writes pieces of many sizes and compares what arrives.
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
		t.Error("other bytes arrived than were sent")
	}
}

// What yamux writes at a time, four records, is one write below, and so is a small write.
func TestSecurityWritesOnce(t *testing.T) {
	a, b := tcpPair(t)
	w := &watched{Conn: a}
	one, other := securedPair(t, w, b)
	carryRandom(t, one, other) // after that TLS makes records of full size
	for _, size := range []int{1, 12, 64 << 10} {
		before := w.writes.Load()
		if n, err := one.Write(make([]byte, size)); n != size || err != nil {
			t.Fatal(n, err)
		}
		if got := w.writes.Load() - before; got != 1 {
			t.Errorf("a write of %d bytes took %d writes", size, got)
		}
		if _, err := io.ReadFull(other, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
}

// Concurrent writes arrive complete and whole.
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
			t.Errorf("%[2]d writes of writer %[1]d arrived", i, n)
		}
	}
}
