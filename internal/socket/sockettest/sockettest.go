// Package sockettest has the other ends of sockets, for tests.
package sockettest

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Listen listens at a path until the test ends, and serves as Serve does.
func Listen(t testing.TB, path string, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	Serve(t, l, serve)
	return l
}

// Serve has each connection served, which is closed behind that and takes a minute at
// most, until the test ends.
func Serve(t testing.TB, l net.Listener, serve func(net.Conn)) {
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(time.Minute))
			serving.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
}

// Line reads a line, with its newline, and not a byte more.
func Line(r io.Reader) (text string) {
	for one := make([]byte, 1); one[0] != '\n'; text += string(one) {
		if _, err := r.Read(one); err != nil {
			return text
		}
	}
	return text
}

// Dead leaves a socket as a process does that was killed: the file is there, and nobody answers.
func Dead(t testing.TB, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}
