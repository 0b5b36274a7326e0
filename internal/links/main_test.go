package links

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/pipe"
)

func TestMain(m *testing.M) {
	retry = 20 * time.Millisecond
	goleak.VerifyTestMain(m)
}

// patience limits what takes no time, so that a hang fails and names its test.
const patience = 30 * time.Second

// run serves the links of a home until the test ends, or stop is called.
func run(t *testing.T, h home.Home, call Call) (l *Links, stop func()) {
	t.Helper()
	l = New(h, call, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { l.Close(); cancel(); <-ended }
	t.Cleanup(stop)
	return l, stop
}

// answers is a Call whose cell reads everything and then prints its address and what it read.
func answers(_ context.Context, stream pipe.Stream, to address.Address) error {
	text, err := io.ReadAll(stream)
	if err != nil {
		stream.Abort(err)
		return nil
	}
	io.WriteString(stream, to.String()+" heard "+string(text))
	stream.CloseWrite()
	stream.Close()
	return nil
}

func addressOf(t testing.TB, text string) address.Address {
	t.Helper()
	to, err := address.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func listenOf(t testing.TB, text string) Listen {
	t.Helper()
	at, err := ParseListen(text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// add adds a link or forward, which must succeed.
func add(t *testing.T, l *Links, at Listen, to string) Listen {
	t.Helper()
	at, err := l.Add(t.Context(), at, addressOf(t, to))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// dial connects to a listener.
func dial(t *testing.T, h home.Home, at Listen) net.Conn {
	t.Helper()
	network, where, err := at.In(h)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial(network, where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// ask sends a text, ends that direction, and returns the whole answer.
func ask(conn net.Conn, text string) (string, error) {
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// wantAnswer checks which cell answers at a listener.
func wantAnswer(t *testing.T, h home.Home, at Listen, to string) {
	t.Helper()
	if got, err := ask(dial(t, h, at), "words"); got != to+" heard words" || err != nil {
		t.Errorf("at %s: %q, %v, want %s", at, got, err, to)
	}
}

// eventually waits for what sends no event.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}
