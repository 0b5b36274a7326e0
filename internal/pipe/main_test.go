package pipe_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// A transport makes the two ends of a stream.
type transport struct {
	name string
	// new returns the far end, which the test holds, and the near end, which is joined.
	new func(t *testing.T) (far, near pipe.Stream)
}

var (
	memory = transport{"memory", func(*testing.T) (far, near pipe.Stream) { return pipetest.New() }}
	unix   = transport{"unix", func(t *testing.T) (far, near pipe.Stream) { return unixPair(t) }}
)

func unixPair(t testing.TB) (a, b pipe.Stream) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]pipe.Stream
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "socketpair")
		conn, err := net.FileConn(file) // a copy, in the poller
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
		ends[i] = pipe.Unix(conn.(*net.UnixConn))
	}
	return ends[0], ends[1]
}

// routes are the pairs that a stem joins: a network's stream and a socket, either way
// round, and two of a kind.
var routes = [][2]transport{{memory, memory}, {unix, unix}, {memory, unix}, {unix, memory},
	{tcp, memory}, {memory, tcp}, {tcp, unix}}

// call is a Join under way, seen from its two far ends.
type call struct {
	caller, cell pipe.Stream
	cancel       context.CancelCauseFunc
	ended        chan pipe.Report
}

func join(t *testing.T, callers, cells transport) *call {
	t.Helper()
	caller, a := callers.new(t)
	cell, b := cells.new(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	c := &call{caller, cell, cancel, make(chan pipe.Report, 1)}
	go func() { c.ended <- pipe.Join(ctx, a, b) }()
	return c
}

// overRoutes runs the test over every pair of transports.
func overRoutes(t *testing.T, test func(t *testing.T, c *call)) {
	overRoutesButTo(t, transport{}, test)
}

// overRoutesButTo leaves out those to cells over one transport.
func overRoutesButTo(t *testing.T, but transport, test func(t *testing.T, c *call)) {
	for _, route := range routes {
		if route[1].name == but.name {
			continue
		}
		t.Run(route[0].name+" to "+route[1].name, func(t *testing.T) {
			test(t, join(t, route[0], route[1]))
		})
	}
}

// wantEnd waits for the Join to return, and wants this report.
func (c *call) wantEnd(t *testing.T, forth, back int64) {
	t.Helper()
	select {
	case got := <-c.ended:
		if want := (pipe.Report{Forth: forth, Back: back}); got != want {
			t.Errorf("report is %+v, want %+v", got, want)
		}
	case <-time.After(patience):
		t.Fatal("Join does not return")
	}
}

func write(t *testing.T, s pipe.Stream, text string) {
	t.Helper()
	if _, err := io.WriteString(s, text); err != nil {
		t.Errorf("write: %v", err)
	}
}

func closeWrite(t *testing.T, s pipe.Stream) {
	t.Helper()
	if err := s.CloseWrite(); err != nil {
		t.Errorf("close write: %v", err)
	}
}

// wantAll reads to the end, and wants exactly the text and an orderly end.
func wantAll(t *testing.T, s pipe.Stream, text string) {
	t.Helper()
	if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, []byte(text)) {
		t.Errorf("read %d bytes, %v, want %d and an orderly end", len(got), err, len(text))
	}
}

// wantNext reads exactly the text, and no further.
func wantNext(t *testing.T, s pipe.Stream, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != text {
		t.Errorf("read %q, %v, want %q", got, err, text)
	}
}
