package links

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// Links and forwards lead to their cells until they are removed. Each direction ends by itself.
func TestLinksLead(t *testing.T) {
	h := hometest.New(t)
	l, _ := run(t, h, answers)
	link := add(t, l, listenOf(t, "run/db@laptop.sock"), "db@laptop")
	port := add(t, l, Free, "web@laptop")
	path := add(t, l, listenOf(t, filepath.Join(h.String(), "s")), "cell://laptop/db?key=secret")
	wantAnswer(t, h, link, "db@laptop")
	wantAnswer(t, h, port, "web@laptop")
	wantAnswer(t, h, path, "cell://laptop/db?key=secret")
	for _, file := range []string{filepath.Join(h.RunDir(), "db@laptop.sock"), path.String()} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if again := add(t, l, link, "db@laptop"); again != link || len(l.List()) != 3 {
		t.Errorf("added again, it is at %s of %v", again, l.List())
	}
	if _, err := l.Add(t.Context(), port, addressOf(t, "db@laptop")); err == nil ||
		!strings.Contains(err.Error(), "already leads to web@laptop") {
		t.Errorf("a port was given to two cells: %v", err)
	}
	for _, s := range l.List() {
		if s.To.Key != "" {
			t.Errorf("%v contains a key", s)
		}
		if err := l.Remove(s.Listen); err != nil {
			t.Error(err)
		}
		if err := l.Remove(s.Listen); !errors.Is(err, errNone) {
			t.Errorf("removed twice: %v", err)
		}
		network, where, _ := s.Listen.In(h)
		if conn, err := net.Dial(network, where); err == nil {
			conn.Close()
			t.Errorf("%s still leads somewhere", s.Listen)
		}
	}
}

// A refused call is reset over TCP, and its reason is kept.
func TestRefusal(t *testing.T) {
	h := hometest.New(t)
	l, _ := run(t, h, func(_ context.Context, stream pipe.Stream, _ address.Address) error {
		err := errors.New("it is closed today")
		stream.Abort(err)
		return err
	})
	at := add(t, l, Free, "db@laptop")
	for range 2 {
		_, where, _ := at.In(h)
		conn, err := net.Dial("tcp", where)
		if err == nil {
			_, err = io.ReadAll(conn)
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read %v", err)
		}
	}
	eventually(t, "both refusals are kept", func() bool {
		s := l.List()[0]
		return s.Refused == 2 && s.Reason == "it is closed today" && !s.Last.IsZero() &&
			s.Calls == 0
	})
}

// Removing a link cuts its calls, which must not look like an orderly end.
func TestRemoveCutsCalls(t *testing.T) {
	h := hometest.New(t)
	l, _ := run(t, h, holds)
	at := add(t, l, Free, "db@laptop")
	conn := dial(t, h, at)
	wantGreeting(t, conn)
	if got := l.List()[0].Calls; got != 1 {
		t.Errorf("%d calls are under way", got)
	}
	if err := l.Remove(at); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the call ends with %v", err)
	}
	add(t, l, at, "db@laptop") // the port is free again
}

// holds is a Call that sends a greeting and waits to be cut.
func holds(ctx context.Context, stream pipe.Stream, _ address.Address) error {
	io.WriteString(stream, "hello")
	<-ctx.Done()
	stream.Abort(context.Cause(ctx))
	return nil
}

func wantGreeting(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.ReadFull(conn, make([]byte, len("hello"))); err != nil {
		t.Fatal(err)
	}
}

// Close removes the sockets, but calls go on until their context ends.
func TestCloseLeavesCalls(t *testing.T) {
	h := hometest.New(t)
	l, stop := run(t, h, answers)
	at := add(t, l, listenOf(t, "run/db@laptop.sock"), "db@laptop")
	conn := dial(t, h, at)
	io.WriteString(conn, "some ")
	eventually(t, "the call is under way", func() bool { return l.List()[0].Calls == 1 })
	l.Close()
	if _, err := os.Stat(filepath.Join(h.RunDir(), "db@laptop.sock")); err == nil {
		t.Error("the socket is still there")
	}
	if _, err := l.Add(t.Context(), Free, addressOf(t, "db@laptop")); err == nil {
		t.Error("a new link was served")
	}
	if got, err := ask(conn, "words"); got != "db@laptop heard some words" || err != nil {
		t.Errorf("heard %q, %v", got, err)
	}
	stop()
}

// A connection above the limit waits until another has ended.
func TestCallsAreBounded(t *testing.T) {
	h := hometest.New(t)
	var mu sync.Mutex
	under, most := 0, 0
	l, _ := run(t, h, func(ctx context.Context, stream pipe.Stream, to address.Address) error {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		err := answers(ctx, stream, to)
		mu.Lock()
		under--
		mu.Unlock()
		return err
	})
	at := add(t, l, Free, "db@laptop")
	var waiting []net.Conn
	for range maxCalls + 20 {
		waiting = append(waiting, dial(t, h, at))
	}
	eventually(t, "the limit is reached", func() bool {
		return l.List()[0].Calls == maxCalls
	})
	for _, conn := range waiting {
		if got, err := ask(conn, "words"); got != "db@laptop heard words" || err != nil {
			t.Fatalf("heard %q, %v", got, err)
		}
	}
	if most != maxCalls {
		t.Errorf("%d connections were served at a time", most)
	}
}

// A thousand calls leak no goroutine and no file descriptor.
func TestCallsLeaveNothing(t *testing.T) {
	h := hometest.New(t)
	l, _ := run(t, h, answers)
	at := []Listen{add(t, l, Free, "db@laptop"),
		add(t, l, listenOf(t, "run/db@laptop.sock"), "db@laptop")}
	wantAnswer(t, h, at[0], "db@laptop")
	routines, files := runtime.NumGoroutine(), openFiles(t)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			for range 50 {
				wantAnswer(t, h, at[n%2], "db@laptop")
			}
		})
	}
	all.Wait()
	eventually(t, "all goroutines and files are released", func() bool {
		return runtime.NumGoroutine() <= routines && openFiles(t) <= files
	})
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// The number of links is limited.
func TestLinksAreBounded(t *testing.T) {
	l, _ := run(t, hometest.New(t), answers)
	for range maxLinks {
		add(t, l, Free, "db@laptop")
	}
	if _, err := l.Add(t.Context(), Free, addressOf(t, "db@laptop")); err == nil ||
		!strings.Contains(err.Error(), "the limit") {
		t.Errorf("one more: %v", err)
	}
}

// A dead socket is replaced, and no other file is.
func TestPlaceIsTaken(t *testing.T) {
	h := hometest.New(t)
	sockettest.Dead(t, filepath.Join(h.RunDir(), "db@laptop.sock"))
	left := filepath.Join(h.RunDir(), "web@laptop.sock")
	if err := os.Link(filepath.Join(h.RunDir(), "db@laptop.sock"), left); err != nil {
		t.Fatal(err)
	}
	l, _ := run(t, h, answers)
	at := add(t, l, listenOf(t, "run/db@laptop.sock"), "db@laptop")
	wantAnswer(t, h, at, "db@laptop")
	eventually(t, "the other dead socket is removed", func() bool {
		_, err := os.Lstat(left)
		return err != nil
	})
	wantAnswer(t, h, at, "db@laptop")

	file := filepath.Join(h.String(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, _ := run(t, hometest.New(t), answers)
	port := add(t, other, Free, "db@laptop")
	for text, words := range map[string]string{
		file:                             "exists and is not a socket",
		filepath.Join(h.String(), "a/b"): "does not exist: make it",
		filepath.Join(h.RunDir(), "x"):   "is in the folder for sockets of cells",
		port.String(): "another process listens at " + port.String() +
			": choose another port",
		"192.0.2.1:80": "cannot assign requested address",
	} {
		if _, err := l.Add(t.Context(), listenOf(t, text), addressOf(t, "db@laptop")); err == nil ||
			!strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file holds %q", text)
	}
	_, path, _ := at.In(h)
	foreign := hometest.New(t)
	third, _ := run(t, foreign, answers)
	if _, err := third.Add(t.Context(), listenOf(t, path), addressOf(t, "db@laptop")); err == nil ||
		!strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a live socket was replaced: %v", err)
	}
}
