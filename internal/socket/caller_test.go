package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

const peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

// A cell learns who calls from getpeername alone, in any language, and every call has a
// name of its own.
func TestDialFromNamesTheCaller(t *testing.T) {
	const callers = 200
	path := filepath.Join(hometest.Dir(t), "a.sock")
	l := listen(t, path)
	l.SetDeadline(time.Now().Add(patience))
	ctx := soon(t)
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			conn, err := DialFrom(ctx, path, NewCallerName(peer))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			conn.Read(make([]byte, 1)) // until the listener has looked at all of them
		})
	}
	names := map[string]bool{}
	for range callers {
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		name := conn.RemoteAddr().String()
		if got, ok := Caller(name); !ok || got != peer {
			t.Errorf("Caller(%q) = %q, %v", name, got, ok)
		}
		// 64 bits can't be guessed, nor taken beforehand
		if random := name[strings.LastIndex(name, "/")+1:]; len(random) != 16 {
			t.Errorf("%q ends in %q", name, random)
		}
		names[name] = true
	}
	if len(names) != callers {
		t.Errorf("%d calls have %d names", callers, len(names))
	}
	t.Cleanup(calls.Wait)
}

// A name that is still taken, as by a child that another thread has forked, is waited for.
func TestDialFromWaitsForItsName(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	listen(t, path)
	caller := NewCallerName(peer)
	name, unbind := bindName(caller)
	defer unbind()
	taken, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := DialFrom(ctx, path, caller); !errors.Is(err, syscall.EADDRINUSE) ||
		ctx.Err() == nil {
		t.Errorf("while its name is taken: %v, and then %v", err, ctx.Err())
	}
	taken.Close()
	conn, err := DialFrom(soon(t), path, caller)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// The errors of Dial hold for DialFrom.
func TestDialFromNobody(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	if _, err := DialFrom(soon(t), path, NewCallerName(peer)); !Missing(err) {
		t.Errorf("no file: %v", err)
	}
	sockettest.Dead(t, path)
	if _, err := DialFrom(soon(t), path, NewCallerName(peer)); !Missing(err) {
		t.Errorf("a dead socket: %v", err)
	}
}

// What a local process calls itself must not pass for a peer by accident.
func TestCaller(t *testing.T) {
	for name, want := range map[string]string{
		"@cell/" + peer + "/0123456789abcdef":      peer,
		"/tmp/@cell/" + peer + "/0123456789abcdef": peer, // macOS
		"":                        "",
		"@":                       "",
		"@/tmp/x":                 "",
		"/run/user/1000/x.sock":   "",
		"@cell/":                  "",
		"@cell/" + peer:           "",
		"@cell/" + peer + "/":     "",
		"@cell//0123456789abcdef": "",
		"@CELL/" + peer + "/01":   "",
	} {
		if got, ok := Caller(name); ok != (want != "") || ok && got != want {
			t.Errorf("Caller(%q) = %q, %v", name, got, ok)
		}
	}
}

// A caller without such a name is a process of this machine; the kernel says which, to both ends.
func TestOwner(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	l := listen(t, path)
	dialled, err := Dial(soon(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	accepted, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if name := accepted.RemoteAddr().String(); strings.Contains(name, "cell/") {
		t.Errorf("a local caller has the name %q", name)
	}
	for who, ask := range map[string]func() (int, int, error){
		"the cell":   func() (int, int, error) { return Owner(accepted) },
		"the caller": func() (int, int, error) { return Owner(dialled) },
	} {
		if pid, uid, err := ask(); pid != os.Getpid() || uid != os.Geteuid() || err != nil {
			t.Errorf("%s is told pid %d, uid %d, %v", who, pid, uid, err)
		}
	}
	accepted.Close()
	if _, _, err := Owner(accepted); err == nil {
		t.Error("a closed connection has an owner")
	}
}
