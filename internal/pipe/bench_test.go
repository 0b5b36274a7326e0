package pipe_test

import (
	"context"
	"io"
	"testing"

	"github.com/cell-mesh/cell/internal/pipe"
)

// bridge makes two ends that are joined or, for comparison, one socket pair.
func bridge(b *testing.B, joined bool) (caller, cell pipe.Stream) {
	caller, near := unixPair(b)
	if !joined {
		return caller, near
	}
	cell, far := unixPair(b)
	done := make(chan pipe.Report, 1)
	go func() { done <- pipe.Join(context.Background(), near, far) }()
	b.Cleanup(func() {
		caller.Close()
		cell.Close()
		<-done
	})
	return caller, cell
}

var bridges = []struct {
	name   string
	joined bool
}{{"bare", false}, {"joined", true}}

// A round trip of 64 bytes over a bridge of two sockets, and over one socket.
func BenchmarkRoundTrip(b *testing.B) {
	for _, way := range bridges {
		b.Run(way.name, func(b *testing.B) {
			caller, cell := bridge(b, way.joined)
			go func() { // ends with the streams
				var buf [64]byte
				for {
					if _, err := io.ReadFull(cell, buf[:]); err != nil {
						return
					}
					cell.Write(buf[:])
				}
			}()
			var buf [64]byte
			for b.Loop() {
				caller.Write(buf[:])
				if _, err := io.ReadFull(caller, buf[:]); err != nil {
					b.Fatal(err)
				}
			}
			caller.CloseWrite()
		})
	}
}

// What one direction of a bridge of two sockets carries, and one socket.
func BenchmarkThroughput(b *testing.B) {
	for _, way := range bridges {
		b.Run(way.name, func(b *testing.B) {
			caller, cell := bridge(b, way.joined)
			const block = 128 << 10
			b.SetBytes(block)
			read := make(chan error, 1)
			go func() {
				buf := make([]byte, block)
				for {
					if _, err := cell.Read(buf); err != nil {
						read <- err
						return
					}
				}
			}()
			buf := make([]byte, block)
			for b.Loop() {
				if _, err := caller.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			caller.CloseWrite()
			if err := <-read; err != io.EOF {
				b.Fatal(err)
			}
		})
	}
}
