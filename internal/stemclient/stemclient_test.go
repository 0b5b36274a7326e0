package stemclient

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
	"github.com/cell-mesh/cell/internal/wire"
)

var open = wire.Request{Verb: wire.Open, Object: "retina@laptop"}

// What stands behind the verdict, in the same packet or a later one, belongs to the call.
func TestAskIsGranted(t *testing.T) {
	requests := make(chan string, 1)
	h := stem(t, func(conn *conn) {
		requests <- conn.request()
		conn.say("ok call=17 later=x\nhello")
		conn.say(", and more")
		conn.say(conn.request())
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	answer, err := Ask(ctx, h, open)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Conn.Close()
	if got := <-requests; got != "open retina@laptop\n" {
		t.Errorf("the stem was asked %q", got)
	}
	if answer.Pairs.Get("call") != "17" || !strings.HasPrefix("hello, and more",
		string(answer.Rest)) {
		t.Errorf("pairs %v, rest %q", answer.Pairs, answer.Rest)
	}
	cancel() // covers the call, and not the connection
	if _, err := io.WriteString(answer.Conn, "echo\n"); err != nil {
		t.Error(err)
	}
	got, err := io.ReadAll(answer.Conn)
	if all := string(answer.Rest) + string(got); err != nil || all != "hello, and moreecho\n" {
		t.Errorf("behind the verdict came %q, %v", all, err)
	}
}

func TestAskIsRefused(t *testing.T) {
	for answer, want := range map[string]error{
		"no not-found no dna\n":              wire.Refusal{Code: wire.NotFound, Reason: "no dna"},
		"no denied\n":                        wire.Refusal{Code: wire.Denied},
		"no busy\nbytes that are dropped":    wire.Refusal{Code: wire.Busy},
		"no sleepy\n":                        wire.Failed,
		"what?\n":                            wire.Bad,
		strings.Repeat("x", wire.MaxLine+10): wire.ErrTooLong,
	} {
		h := stem(t, func(conn *conn) { conn.request(); conn.say(answer) })
		if _, err := Ask(soon(t), h, open); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", answer, err, want)
		}
	}
}

// A stem that has too much to do may refuse without having read the request, and be gone
// while we still write it. The kernel's complaint must not hide the verdict.
func TestAskIsRefusedUnread(t *testing.T) {
	h := stem(t, func(conn *conn) { conn.say("no busy later\n") })
	for range 100 {
		if _, err := Ask(soon(t), h, open); !errors.Is(err, wire.Busy) {
			t.Fatalf("got %v, want busy", err)
		}
	}
}

// Whether there never was a stem or it ends under the question, there is none, and
// starting one is the remedy.
func TestAskNobody(t *testing.T) {
	h := hometest.New(t)
	if _, err := Ask(soon(t), h, open); err != ErrNoStem {
		t.Errorf("no file: %v", err)
	}
	sockettest.Dead(t, h.StemSocket())
	if _, err := Ask(soon(t), h, open); err != ErrNoStem {
		t.Errorf("a dead socket: %v", err)
	}
	for when, end := range map[string]func(conn *conn){
		"unread":     func(*conn) {},
		"unanswered": func(conn *conn) { conn.request() },
		"half said":  func(conn *conn) { conn.request(); conn.say("ok call=1") },
	} {
		h := stem(t, end)
		for range 20 {
			if _, err := Ask(soon(t), h, open); !errors.Is(err, ErrNoStem) {
				t.Errorf("%s: %v, want ErrNoStem", when, err)
			}
		}
	}
}

// What is not the absence of a stem is not reported as that.
func TestAskWhereNoOneMay(t *testing.T) {
	h := hometest.New(t)
	loop(t, h)
	if _, err := Ask(soon(t), h, open); errors.Is(err, ErrNoStem) ||
		!errors.Is(err, syscall.ELOOP) {
		t.Errorf("got %v", err)
	}
}

// A stem that hangs takes no more of the caller's time than ctx gives.
func TestAskEndsWithItsContext(t *testing.T) {
	h := stem(t, func(conn *conn) { io.Copy(io.Discard, conn) }) // until the caller goes
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Ask(ctx, h, open); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the deadline: %v", err)
	}
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	if _, err := Ask(ctx, h, open); err != stopped {
		t.Errorf("with a cause: %v", err)
	}
}
