package synapse

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The first bytes of a call stand right behind the request, or are the first that a cell
// of this machine reads.
func TestDialWith(t *testing.T) {
	h := madeHome(t)
	serve(t, mustListen(t, "greet"))
	startStem(t, h, func(conn net.Conn, _ string) {
		early := make([]byte, 5)
		io.ReadFull(conn, early) // before the verdict
		io.WriteString(conn, "ok\nhello "+string(early))
	})
	for _, addr := range []string{"greet", "greet@laptop"} {
		conn, err := DialWith(soon(t), addr, []byte("early"))
		if err != nil {
			t.Fatal(err)
		}
		heard := make([]byte, len("hello early"))
		if _, err := io.ReadFull(conn, heard); err != nil || string(heard) != "hello early" {
			t.Errorf("%s: heard %q, %v", addr, heard, err)
		}
		conn.Close()
	}
}

// Who is refused learns why, however much it had to say; and a cell that takes none of it
// may still have an answer.
func TestDialWithTooMuch(t *testing.T) {
	h := madeHome(t)
	startStem(t, h, func(conn net.Conn, _ string) { io.WriteString(conn, "no denied\n") })
	if _, err := DialWith(soon(t), "greet@laptop", make([]byte, 4<<20)); !errors.Is(err,
		ErrDenied) {
		t.Errorf("refused: %v", err)
	}
	l := mustListen(t, "full")
	go func() { // ends with the call
		conn, err := l.Accept()
		if err == nil {
			io.WriteString(conn, "enough")
			conn.Close()
		}
	}()
	conn, err := DialWith(soon(t), "full", make([]byte, 4<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if heard, err := io.ReadAll(conn); string(heard) != "enough" || err != nil {
		t.Errorf("heard %q, %v", heard, err)
	}
}

// A cell that does not read takes no more of the caller's time than ctx gives.
func TestDialWithEndsWithItsContext(t *testing.T) {
	madeHome(t)
	mustListen(t, "deaf")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := DialWith(ctx, "deaf", make([]byte, 4<<20))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "dial deaf: ") {
		t.Errorf("got %v", err)
	}
}
