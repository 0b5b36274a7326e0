package synapse

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// madeHome makes a home for the test and has CELL_HOME name it.
func madeHome(t testing.TB) home.Home {
	t.Helper()
	h := hometest.New(t)
	t.Setenv("CELL_HOME", h.String())
	return h
}

// fakeStem stands in for the daemon, speaking raw bytes.
type fakeStem struct {
	net.Listener
	asked chan string
}

// startStem answers every request as answer says, and hands the request on to asked.
func startStem(t *testing.T, h home.Home, answer func(conn net.Conn, request string)) *fakeStem {
	t.Helper()
	asked := make(chan string, 100)
	return &fakeStem{sockettest.Listen(t, h.StemSocket(), func(conn net.Conn) {
		request := sockettest.Line(conn)
		asked <- request
		answer(conn, request)
	}), asked}
}

// wantAsked wants these requests so far, and no other.
func (s *fakeStem) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	for _, request := range want {
		select {
		case got := <-s.asked:
			if got != request {
				t.Errorf("the stem was asked %q, want %q", got, request)
			}
		default:
			t.Errorf("the stem was not asked %q", request)
		}
	}
	if len(s.asked) > 0 {
		t.Errorf("the stem was asked %q too", <-s.asked)
	}
}

// serve makes a cell of the listener that greets each caller and then sends back what it reads.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	sockettest.Serve(t, l, func(conn net.Conn) {
		io.WriteString(conn, "hello ")
		io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	})
}

func mustListen(t *testing.T, name string) net.Listener {
	t.Helper()
	l, err := Listen(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustDial(t *testing.T, addr string) *Conn {
	t.Helper()
	conn, err := Dial(soon(t), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// converse says something to a cell that serves, ends, and wants it back.
func converse(t *testing.T, conn *Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "world"); err != nil {
		t.Error(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "hello world" {
		t.Errorf("got %q, %v", got, err)
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
