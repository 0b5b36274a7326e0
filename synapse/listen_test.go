package synapse

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// There is one cell of a name. What a dead one left is replaced, and a cell that ends
// leaves nothing.
func TestListen(t *testing.T) {
	h := madeHome(t)
	deadSocket(t, h, "greet")
	l := mustListen(t, "greet")
	if got, err := Listen("greet"); !errors.Is(err, ErrInUse) ||
		!strings.HasPrefix(err.Error(), "listen as greet: ") {
		t.Errorf("a second one: %v, %v", got, err)
	}
	l.Close()
	l.Close() // twice is fine
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v", err)
	}
	if entries, err := os.ReadDir(h.RunDir()); err != nil || len(entries) != 1 { // the lock's file
		t.Errorf("run/ has %v, %v", entries, err)
	}
	mustListen(t, "greet")
}

// A cell that is the first thing to run makes its home.
func TestListenMakesItsHome(t *testing.T) {
	h := madeHome(t)
	t.Setenv("CELL_HOME", h.String()+"/new")
	l := mustListen(t, "greet")
	if want := h.String() + "/new/run/greet.sock"; l.Addr().String() == "" || !isSocket(want) {
		t.Errorf("no socket at %s; the address is %v", want, l.Addr())
	}
}

func TestListenRefuses(t *testing.T) {
	h := madeHome(t)
	if _, err := Listen("Greet"); err == nil ||
		!strings.Contains(err.Error(), "does not begin with") {
		t.Errorf("a bad name: %v", err)
	}
	os.Chmod(h.String(), 0o755)
	if _, err := Listen("greet"); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a home that is open to others: %v", err)
	}
}

// A cell learns who calls: a process of this machine, as the kernel tells, or a peer, as
// the stem has named it.
func TestAcceptTellsTheCaller(t *testing.T) {
	h := madeHome(t)
	l := mustListen(t, "greet")
	mustDial(t, "greet")
	want := Caller{PID: os.Getpid(), UID: os.Geteuid()}
	if got := accept(t, l).RemoteAddr(); got != want ||
		!strings.HasPrefix(got.String(), "local pid ") || got.Network() != "cell" {
		t.Errorf("a local caller is %v, want %v", got, want)
	}
	path, err := h.Socket(addresstest.Name("greet"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := socket.DialFrom(soon(t), path, socket.NewCallerName(peer))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := accept(t, l).RemoteAddr(); got != (Caller{Peer: peer}) || got.String() != peer {
		t.Errorf("a peer is %v", got)
	}
}

func accept(t *testing.T, l net.Listener) *Conn {
	t.Helper()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*Conn)
}

func lock(t *testing.T, h home.Home, cell string) *socket.Lock {
	t.Helper()
	held, err := socket.TryLock(h.Lock(addresstest.Name(cell)))
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// deadSocket leaves the socket of a cell that was killed.
func deadSocket(t *testing.T, h home.Home, cell string) {
	t.Helper()
	path, err := h.Socket(addresstest.Name(cell))
	if err != nil {
		t.Fatal(err)
	}
	sockettest.Dead(t, path)
	if _, err := socket.Dial(soon(t), path); !socket.Missing(err) {
		t.Fatal(err)
	}
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Type() == os.ModeSocket
}

// With Idle, Accept goes on while a Conn is open, and ends for a server's loop as Close
// would end it.
func TestListenIdle(t *testing.T) {
	h := madeHome(t)
	l, err := Listen("greet", Idle(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	dialled := mustDial(t, "greet")
	conn := accept(t, l)
	left := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		left <- err
	}()
	select {
	case err := <-left:
		t.Fatalf("left during a call: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	dialled.Close()
	conn.Close()
	if err := <-left; !errors.Is(err, ErrIdle) || !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if isSocket(h.RunDir() + "/greet.sock") {
		t.Error("its socket is still there")
	}
}
