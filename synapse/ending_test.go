package synapse

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// A Unix socket reads as a clean end however the call ended, so at the end the stem is
// asked, once. Whatever it says, all that arrived is delivered first.
func TestEnding(t *testing.T) {
	for name, test := range map[string]struct {
		verdict string
		cut     string // the reason, if it is one
	}{
		"in order": {"ok\n", ""},
		"cut": {"no cut reset by the other end\n",
			"unexpected EOF: reset by the other end"},
		"cut, for no reason":  {"no cut\n", "unexpected EOF: cut"},
		"unknown to the stem": {"no bad no such call\n", "unexpected EOF: no such call"},
		"no answer":           {"", "unexpected EOF: the stem of this machine ended"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startStem(t, madeHome(t), func(conn net.Conn, request string) {
				if strings.HasPrefix(request, "end") {
					io.WriteString(conn, test.verdict)
					return
				}
				io.WriteString(conn, "ok call=23\nall ")
				io.WriteString(conn, "there was")
			})
			conn := mustDial(t, "greet@laptop")
			got, err := io.ReadAll(conn)
			if string(got) != "all there was" {
				t.Errorf("read %q", got)
			}
			wantEnding(t, err, test.cut)
			for range 2 {
				_, again := conn.Read(make([]byte, 1))
				if again == io.EOF {
					again = nil
				}
				wantEnding(t, again, test.cut)
			}
			s.wantAsked(t, "open greet@laptop\n", "end 23\n")
		})
	}
}

// A stem that was killed under the call can't say that the call ended in order, so it did not.
func TestEndingWithoutAStem(t *testing.T) {
	h := madeHome(t)
	s := startStem(t, h, func(conn net.Conn, _ string) {
		io.WriteString(conn, "ok call=1\nhalf")
		io.Copy(io.Discard, conn)
	})
	conn := mustDial(t, "greet@laptop")
	os.Remove(h.StemSocket())
	s.Close() // no more questions
	conn.CloseWrite()
	got, err := io.ReadAll(conn)
	if string(got) != "half" {
		t.Errorf("read %q", got)
	}
	wantEnding(t, err, "unexpected EOF: the stem of this machine ended")
}

// A far end that closed with input unread resets the socket; that is an end to be asked
// about like any other.
func TestEndingWithInputUnread(t *testing.T) {
	s := startStem(t, madeHome(t), func(conn net.Conn, request string) {
		if request == "open greet@laptop\n" {
			io.WriteString(conn, "ok call=1\nanswer")
			conn.Read(make([]byte, 1)) // and not the rest
			return
		}
		io.WriteString(conn, "ok\n")
	})
	conn := mustDial(t, "greet@laptop")
	io.WriteString(conn, "unread")
	got, err := io.ReadAll(conn)
	if string(got) != "answer" {
		t.Errorf("read %q", got)
	}
	wantEnding(t, err, "")
	s.wantAsked(t, "open greet@laptop\n", "end 1\n")
}

// Time that is up is no end: nothing is asked, and the call goes on.
func TestDeadlineIsNoEnding(t *testing.T) {
	s := startStem(t, madeHome(t), func(conn net.Conn, request string) {
		io.WriteString(conn, "ok call=1\n")
		io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	})
	conn := mustDial(t, "greet@laptop")
	for range 2 {
		conn.SetReadDeadline(time.Unix(1, 0))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		io.WriteString(conn, "x")
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Errorf("after the deadline: %v", err)
		}
	}
	s.wantAsked(t, "open greet@laptop\n")
	conn.Close()
}

// wantEnding wants an orderly end, or a cut with its reason. A cut must be
// io.ErrUnexpectedEOF to errors.Is.
func wantEnding(t *testing.T, err error, cut string) {
	t.Helper()
	switch {
	case cut == "" && err != nil:
		t.Errorf("ended with %v, want an orderly end", err)
	case cut != "" && (!errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), cut)):
		t.Errorf("ended with %v, want %q", err, cut)
	}
}
