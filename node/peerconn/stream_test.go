package peerconn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/internal/nettest"
	"github.com/cell-mesh/cell/node/maddrs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newSet returns the connections of a host and ends its goroutines with the test.
func newSet(t *testing.T, h host.Host) *Set {
	group := tasks.New()
	t.Cleanup(func() {
		group.End()
		group.Wait()
	})
	return New(Config{Host: h, Tasks: group})
}

// call opens a stream between two hosts and returns both ends, whose negotiation is over.
func call(t *testing.T, transport string) (near, far *Stream) {
	t.Helper()
	a, b := nettest.Host(t), nettest.Host(t)
	ours, theirs := newSet(t, a), newSet(t, b)
	came := make(chan *Stream, 1)
	b.SetStreamHandler(Protocol, func(raw network.Stream) { came <- theirs.Accept(raw) })
	to := peer.AddrInfo{ID: b.ID()}
	to.Addrs = append(to.Addrs, nettest.Addr(t, b, transport))
	if err := a.Connect(nettest.Context(t), to); err != nil {
		t.Fatal(err)
	}
	near, err := ours.Of(ours.Best(b.ID())).Open(nettest.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	fmt.Fprint(near, "!")
	far = nettest.Receive(t, came)
	t.Cleanup(func() { far.Close() })
	for _, s := range []*Stream{near, far} {
		s.SetDeadline(time.Now().Add(nettest.Wait))
	}
	expect(t, far, "!")
	fmt.Fprint(far, "?")
	expect(t, near, "?")
	return near, far
}

func expect(t *testing.T, s *Stream, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// measured is a stream that reports the size of each buffer that it reads into.
type measured struct {
	network.Stream
	sizes chan int
}

func (m measured) Read(p []byte) (int, error) {
	m.sizes <- len(p)
	return m.Stream.Read(p)
}

// Over TCP a stream waits without a buffer and reads into a large one once there is data.
// It reports an end as well.
func TestReadLate(t *testing.T) {
	s, far := call(t, maddrs.TCP)
	sizes := make(chan int, 16)
	s.raw = measured{s.raw, sizes}
	type result struct {
		text string
		err  error
	}
	read := make(chan result)
	go func() {
		var loan pipe.Loan
		defer loan.GiveBack()
		for {
			n, err := s.ReadLate(&loan)
			read <- result{string(loan.Take()[:n]), err}
			if err != nil {
				return
			}
		}
	}()
	for _, text := range []string{"first", "second"} {
		if size := nettest.Receive(t, sizes); size != 0 {
			t.Errorf("it waits with a buffer of %d bytes", size)
		}
		select {
		case r := <-read:
			t.Fatalf("nothing was sent, but it read %q, %v", r.text, r.err)
		default:
		}
		fmt.Fprint(far, text)
		if size := nettest.Receive(t, sizes); size < 64<<10 {
			t.Errorf("it reads into %d bytes", size)
		}
		if got := nettest.Receive(t, read); got != (result{text, nil}) {
			t.Errorf("read %q, %v", got.text, got.err)
		}
	}
	far.CloseWrite()
	if got := nettest.Receive(t, read); got != (result{"", io.EOF}) {
		t.Errorf("read %q, %v at the end", got.text, got.err)
	}
}

// dying is a yamux stream whose connection dies: it returns the last bytes together with
// the end of the connection, which is not the end of the stream.
type dying struct {
	network.Stream
	reads int
}

func (d *dying) Read(b []byte) (int, error) {
	if d.reads++; d.reads == 1 {
		return copy(b, "last"), io.EOF
	}
	return 0, fmt.Errorf("%w: connection closed: %w", network.ErrReset, io.EOF)
}

func TestEndOfConnectionIsNoEndOfStream(t *testing.T) {
	s := &Stream{raw: &dying{}, on: &Conn{}, reading: make(chan struct{}, 1),
		stop: make(chan struct{})}
	if n, err := s.Read(make([]byte, 10)); n != 4 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	_, err := io.Copy(io.Discard, s)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read ended with %v; want a cut", err)
	}
}
