package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// Close arrives as the end, and nothing can be written after it.
func TestSecurityClose(t *testing.T) {
	a, b := tcpPair(t)
	w := &watched{Conn: a}
	one, other := securedPair(t, w, b)
	fmt.Fprint(one, "bye")
	before := w.writes.Load()
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if got := w.writes.Load() - before; got != 1 {
		t.Errorf("closing took %d writes", got)
	}
	if got, err := io.ReadAll(other); string(got) != "bye" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := one.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// stuck is a connection whose Write can be made to block until the connection is closed.
type stuck struct {
	net.Conn
	sticks        atomic.Bool
	waits, closed chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	if !s.sticks.Load() {
		return s.Conn.Write(p)
	}
	s.waits <- struct{}{}
	<-s.closed
	return 0, net.ErrClosed
}

func (s *stuck) Close() error {
	close(s.closed)
	return s.Conn.Close()
}

// Close aborts a Write that nobody reads, and does not wait for it.
func TestSecurityCloseWhileWriting(t *testing.T) {
	a, b := tcpPair(t)
	s := &stuck{Conn: a, waits: make(chan struct{}), closed: make(chan struct{})}
	one, _ := securedPair(t, s, b)
	s.sticks.Store(true)
	ended := make(chan error, 1)
	go func() {
		_, err := one.Write(make([]byte, 64<<10))
		ended <- err
	}()
	nettest.Receive(t, s.waits)
	closed := make(chan error, 1)
	go func() { closed <- one.Close() }()
	if err := nettest.Receive(t, closed); err != nil {
		t.Error(err)
	}
	if err := nettest.Receive(t, ended); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the write ended with %v", err)
	}
}

// As in libp2p's TLS, nothing can be written after a write has timed out.
func TestSecurityDeadline(t *testing.T) {
	a, b := tcpPair(t)
	one, other := securedPair(t, a, b)
	one.SetWriteDeadline(time.Unix(1, 0))
	var timeout net.Error
	if n, err := one.Write([]byte("x")); n != 0 || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("write after the deadline: %d, %v", n, err)
	}
	one.SetWriteDeadline(time.Time{})
	if _, err := one.Write([]byte("y")); err == nil {
		t.Error("a write succeeded after one was lost")
	}
	one.SetReadDeadline(time.Unix(1, 0))
	if _, err := one.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("read after the deadline: %v", err)
	}
	one.SetReadDeadline(time.Now().Add(nettest.Wait))
	fmt.Fprint(other, "still here")
	if _, err := io.ReadFull(one, make([]byte, 10)); err != nil {
		t.Error(err)
	}
}

// A peer that sends garbage gets an alert at once, without a Write here, and the connection
// is unusable.
func TestSecurityGarbage(t *testing.T) {
	a, b := tcpPair(t)
	w := &watched{Conn: a}
	one, other := securedPair(t, w, b)
	before := w.writes.Load()
	b.Write([]byte{23, 3, 3, 0, 40})
	b.Write(make([]byte, 40))
	if n, err := one.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read %d, %v", n, err)
	}
	if got := w.writes.Load() - before; got != 1 {
		t.Errorf("the alert took %d writes", got)
	}
	var alert *net.OpError
	if _, err := other.Read(make([]byte, 1)); !errors.As(err, &alert) ||
		alert.Op != "remote error" {
		t.Errorf("the other end got %v", err)
	}
	if _, err := one.Write([]byte("x")); err == nil {
		t.Error("a write succeeded")
	}
}
