package germinate

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// A call ends in a cut if its cell reported one, else in order. Ended calls are forgotten.
func TestCellCutsCall(t *testing.T) {
	f := newFactoryWith(t, "echo")
	caller := func() (name string) {
		for name = range f.callees.by {
		}
		return name
	}
	for _, cut := range []bool{true, false} {
		stream, err := f.Connect(t.Context(), name("echo"), peer(2))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(stream, "words")
		who := caller()
		if cut && !f.Cut(who) {
			t.Errorf("%s has no call under way", who)
		}
		stream.CloseWrite()
		got, err := io.ReadAll(stream)
		if string(got) != "words" || errors.Is(err, errCutByCell) != cut {
			t.Errorf("read %q, %v", got, err)
		}
		stream.Close()
		if f.Cut(who) || len(f.callees.by) != 0 {
			t.Errorf("%d calls are under way after the end", len(f.callees.by))
		}
	}
}

// A cell may report a cut as soon as it accepts. A failed dial leaves nothing behind.
func TestCellCutsCallAtOnce(t *testing.T) {
	f := newFactoryWith(t)
	path := filepath.Join(f.home.RunDir(), "echo.sock")
	said := make(chan bool)
	sockettest.Listen(t, path, func(conn net.Conn) {
		defer conn.Close()
		caller, _ := socket.CallerName(conn.RemoteAddr().String())
		said <- f.Cut(caller)
	})
	caller := socket.NewCallerName(testID(2).String())
	callee, err := f.callees.add(name("echo"), caller, func() (*net.UnixConn, error) {
		conn, err := socket.DialFrom(t.Context(), path, caller)
		if err == nil && !<-said {
			t.Error("the call is unknown while the cell is dialled")
		}
		return conn, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(callee); len(got) > 0 || !errors.Is(err, errCutByCell) {
		t.Errorf("read %q, %v", got, err)
	}
	callee.Close()
	if _, err := f.callees.add(name("echo"), caller,
		func() (*net.UnixConn, error) { return nil, io.EOF }); err != io.EOF || f.Cut(caller) {
		t.Errorf("a failed dial: %v, and the call is under way", err)
	}
}
