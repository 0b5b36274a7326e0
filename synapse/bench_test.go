package synapse

import (
	"io"
	"net"
	"path/filepath"
	"testing"
)

// A call to a running cell of this machine: dial, 64 bytes there and back, close. Next to
// it, the same on a bare socket.
func BenchmarkLocalDial(b *testing.B) {
	h := madeHome(b)
	at := &net.UnixAddr{Name: filepath.Join(h.RunDir(), "bare"), Net: "unix"}
	for _, way := range []struct {
		name   string
		listen func() (net.Listener, error)
		dial   func() (net.Conn, error)
	}{
		{"bare", func() (net.Listener, error) { return net.ListenUnix("unix", at) },
			func() (net.Conn, error) { return net.DialUnix("unix", nil, at) }},
		{"cell", func() (net.Listener, error) { return Listen("bench") },
			func() (net.Conn, error) { return Dial(b.Context(), "bench") }},
	} {
		b.Run(way.name, func(b *testing.B) {
			l, err := way.listen()
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			go func() { // ends with the listener
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn},
							make([]byte, 64))
					}()
				}
			}()
			for b.Loop() {
				conn, err := way.dial()
				if err != nil {
					b.Fatal(err)
				}
				var buf [64]byte
				conn.Write(buf[:])
				if _, err := io.ReadFull(conn, buf[:]); err != nil {
					b.Fatal(err)
				}
				conn.Close()
			}
		})
	}
}
