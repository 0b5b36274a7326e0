package socket

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Connecting to a socket and closing: bare, as synapse does it, and under a caller's name
// as a stem does.
func BenchmarkDial(b *testing.B) {
	path := filepath.Join(hometest.Dir(b), "s")
	l := listen(b, path)
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	const peer = "12D3KooWHxKfwVPnGCFPbGCWzQjV5g3kSKWHeVQTjGgcWbsG1bRW"
	for _, way := range []struct {
		name string
		dial func() (*net.UnixConn, error)
	}{
		{"bare", func() (*net.UnixConn, error) {
			return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		}},
		{"dial", func() (*net.UnixConn, error) { return Dial(context.Background(), path) }},
		{"from", func() (*net.UnixConn, error) {
			return DialFrom(context.Background(), path, NewCallerName(peer))
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				conn, err := way.dial()
				if err != nil {
					b.Fatal(err)
				}
				conn.Close()
			}
		})
	}
}
