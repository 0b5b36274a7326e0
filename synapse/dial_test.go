package synapse

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home"
)

const peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// Local calls go on when the stem is dead: it is not asked for a cell that runs.
func TestDialARunningCell(t *testing.T) {
	madeHome(t)
	serve(t, mustListen(t, "greet"))
	for _, addr := range []string{"greet", "greet@local", "cell://local/greet"} {
		conn := mustDial(t, addr)
		if got := conn.RemoteAddr(); got.String() != "greet" || got.Network() != "cell" {
			t.Errorf("%s: the remote address is %s %s", addr, got.Network(), got)
		}
		converse(t, conn)
	}
}

// A cell that does not run is asked for by name; when the stem says ok, it is at its own
// socket. What a dead one left there is no cell.
func TestDialGerminates(t *testing.T) {
	for _, left := range []string{"nothing", "a dead socket"} {
		t.Run(left, func(t *testing.T) {
			h := madeHome(t)
			if left != "nothing" {
				deadSocket(t, h, "greet")
			}
			started := make(chan net.Listener, 1)
			s := startStem(t, h, func(conn net.Conn, _ string) {
				l, err := Listen("greet")
				if err != nil {
					t.Error(err)
					return
				}
				started <- l
				io.WriteString(conn, "ok\n")
			})
			conn := mustDial(t, "greet")
			serve(t, <-started)
			converse(t, conn)
			s.wantAsked(t, "germinate greet\n")
		})
	}
}

// A cell may end between its start and our connect: that is tried once more, and then told.
func TestDialACellThatEndsAtOnce(t *testing.T) {
	h := madeHome(t)
	s := startStem(t, h, func(conn net.Conn, _ string) { io.WriteString(conn, "ok\n") })
	_, err := Dial(soon(t), "greet")
	if !errors.Is(err, ErrFailed) || !strings.Contains(err.Error(),
		"dial greet: the cell ended as soon as it had started") {
		t.Errorf("got %v", err)
	}
	s.wantAsked(t, "germinate greet\n", "germinate greet\n")
}

// On a verdict of ok the connection to the stem is the call. A cell that speaks first has
// its words in the same packet.
func TestDialAPeer(t *testing.T) {
	for addr, want := range map[string]string{
		"greet@" + peer:                  "open greet@" + peer + "\n",
		"cell://laptop/greet?key=secret": "open cell://laptop/greet?key=secret\n",
		"greet@Host.example.org.":        "open greet@host.example.org\n",
	} {
		s := startStem(t, madeHome(t), func(conn net.Conn, request string) {
			if strings.HasPrefix(request, "end") {
				io.WriteString(conn, "ok\n")
				return
			}
			io.WriteString(conn, "ok call=1\nhello ")
			io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
		})
		conn := mustDial(t, addr)
		if got := conn.RemoteAddr().String(); strings.Contains(got, "secret") {
			t.Errorf("the remote address, which ends up in logs, is %s", got)
		} else if plain := "open " + got + "\n"; plain != want && !strings.Contains(want, "?key=") {
			t.Errorf("the remote address is %s", got)
		}
		small := make([]byte, 2) // the rest is read in pieces too
		if _, err := io.ReadFull(conn, small); err != nil || string(small) != "he" {
			t.Errorf("the first bytes are %q, %v", small, err)
		}
		io.WriteString(conn, "world")
		conn.CloseWrite()
		if got, err := io.ReadAll(conn); err != nil || string(got) != "llo world" {
			t.Errorf("got %q, %v", got, err)
		}
		s.wantAsked(t, want, "end 1\n")
	}
}

// A program branches on what a stem refused with, be it its own or the far one, for a
// peer's cell or for one here.
func TestDialIsRefused(t *testing.T) {
	for verdict, want := range map[string]error{
		"no not-found no dna\n": ErrNotFound,
		"no denied\n":           ErrDenied,
		"no unreachable no way to laptop was found\n": ErrUnreachable,
		"no failed exit status 1 | out of luck\n":     ErrFailed,
		"no busy too many starts\n":                   ErrBusy,
		"no later-code some words\n":                  ErrFailed,
		"":                                            ErrNoStem,
	} {
		for _, addr := range []string{"greet", "greet@laptop"} {
			startStem(t, madeHome(t), func(conn net.Conn, _ string) {
				io.WriteString(conn, verdict)
			})
			_, err := Dial(soon(t), addr)
			for _, known := range []error{ErrNotFound, ErrDenied, ErrUnreachable, ErrFailed,
				ErrBusy, ErrNoStem} {
				if errors.Is(err, known) != (known == want) {
					t.Errorf("%q for %s: errors.Is(%v, %v) = %v", verdict, addr, err, known,
						known != want)
				}
			}
			if err != nil && !strings.HasPrefix(err.Error(), "dial "+addr+": ") {
				t.Errorf("%q for %s: %v does not say what was dialled", verdict, addr, err)
			}
		}
	}
}

func TestDialWithoutAStem(t *testing.T) {
	madeHome(t)
	for _, addr := range []string{"greet", "greet@laptop"} {
		if _, err := Dial(soon(t), addr); !errors.Is(err, ErrNoStem) ||
			err.Error() != "dial "+addr+": no stem is running" {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// A stem that hangs takes no more of the caller's time than ctx gives.
func TestDialEndsWithItsContext(t *testing.T) {
	// until the caller goes
	startStem(t, madeHome(t), func(conn net.Conn, _ string) { io.Copy(io.Discard, conn) })
	for _, addr := range []string{"greet", "greet@laptop"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := Dial(ctx, addr); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// What is wrong with an address or a home is said before anything is asked.
func TestDialRefuses(t *testing.T) {
	h := madeHome(t)
	longest := h.String() + "/" + strings.Repeat("h",
		home.MaxSocketPath-len(h.String()+"//run/1234567890123456.sock"))
	for _, test := range []struct{ home, addr, reason string }{
		{h.String(), "", "is empty"},
		{h.String(), "Greet", "does not begin with"},
		{h.String(), "greet@" + peer[:30], "is damaged"},
		{longest, strings.Repeat("a", 63), "use a shorter name or a shorter CELL_HOME"},
		{"/" + strings.Repeat("h", 200), "greet", "set CELL_HOME to a shorter one"},
	} {
		t.Setenv("CELL_HOME", test.home)
		if _, err := Dial(soon(t), test.addr); err == nil || errors.Is(err, ErrNoStem) ||
			!strings.Contains(err.Error(), test.reason) {
			t.Errorf("Dial(%q): %v, want %q", test.addr, err, test.reason)
		}
	}
}
