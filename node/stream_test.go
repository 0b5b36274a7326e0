package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// onBothTransports runs a test over QUIC and over TCP, each time twice: one is the side that
// opened the stream, and then the side that accepted it.
func onBothTransports(t *testing.T, test func(t *testing.T, one, other pipe.Stream)) {
	for _, transport := range []string{"quic-v1", "tcp"} {
		a, b := startNode(t, Config{}), startNode(t, Config{})
		came := accept(t, b)
		pair := func(t *testing.T) (pipe.Stream, pipe.Stream) {
			opened, err := a.Open(nettest.Context(t), b.ID(), at(t, b, transport))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(opened, "!") // the negotiation is sent with the first bytes
			accepted := nettest.Receive(t, came)
			expect(t, accepted, "!")
			for _, s := range []pipe.Stream{opened, accepted} {
				s.SetDeadline(time.Now().Add(nettest.Wait))
				t.Cleanup(func() { s.Close() })
			}
			return opened, accepted
		}
		t.Run(transport+"/opened", func(t *testing.T) {
			opened, accepted := pair(t)
			test(t, opened, accepted)
		})
		t.Run(transport+"/accepted", func(t *testing.T) {
			opened, accepted := pair(t)
			test(t, accepted, opened)
		})
	}
}

func expect(t *testing.T, s pipe.Stream, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func expectEnd(t *testing.T, s pipe.Stream) {
	t.Helper()
	if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

// expectCut reads until an error, which must not look like an orderly end.
func expectCut(t *testing.T, s pipe.Stream) {
	t.Helper()
	_, err := io.Copy(io.Discard, s) // nil for io.EOF
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read ended with %v; want a cut", err)
	}
	t.Log(err)
}

// writeUntil writes until an error, like a writer who does not know that nobody reads.
func writeUntil(t *testing.T, s pipe.Stream) error {
	t.Helper()
	block := make([]byte, 64<<10)
	for range 64 << 20 / len(block) {
		if _, err := s.Write(block); err != nil {
			return err
		}
	}
	t.Fatal("64 MiB were written and nobody objected")
	return nil
}

func TestHalfClose(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		fmt.Fprint(one, "question")
		if err := one.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expect(t, other, "question")
		expectEnd(t, other)
		fmt.Fprint(other, "answer")
		expect(t, one, "answer")
		if err := other.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, one)
		for _, s := range []pipe.Stream{one, other} {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
}

// TestCloseReadWhileWriting stops reading while the other end writes more than any window,
// and then writes as much itself. Every byte of that arrives.
func TestCloseReadWhileWriting(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		flood := make(chan error, 1)
		go func() {
			block := make([]byte, 64<<10)
			for range 48 << 20 / len(block) {
				if _, err := other.Write(block); err != nil {
					flood <- err
					return
				}
			}
			flood <- other.CloseWrite()
		}()
		expect(t, one, "\x00")
		if err := one.CloseRead(); err != nil {
			t.Fatal(err)
		}
		if _, err := one.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("read after CloseRead: %v", err)
		}
		// The writer is told to stop if the transport can; otherwise it is not held up.
		if err := nettest.Receive(t, flood); err != nil && err != pipe.ErrStopped {
			t.Fatalf("writer: %v", err)
		} else {
			t.Logf("writer: %v", err)
		}

		data := make([]byte, 20<<20)
		rand.NewChaCha8([32]byte{1}).Read(data)
		go func() {
			io.Copy(one, bytes.NewReader(data))
			one.CloseWrite()
			one.Close()
		}()
		sum := sha256.New()
		if n, err := io.Copy(sum, other); err != nil || n != int64(len(data)) {
			t.Fatalf("read %d bytes, %v", n, err)
		}
		if want := sha256.Sum256(data); !bytes.Equal(sum.Sum(nil), want[:]) {
			t.Error("bytes differ")
		}
	})
}

// TestCloseReadWakes ends a Read that waits, from another goroutine.
func TestCloseReadWakes(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		read := make(chan error, 1)
		go func() {
			_, err := one.Read(make([]byte, 1))
			read <- err
		}()
		if err := one.CloseRead(); err != nil {
			t.Fatal(err)
		}
		if err := nettest.Receive(t, read); err == nil || err == io.EOF {
			t.Errorf("read: %v", err)
		}
		fmt.Fprint(one, "still here")
		expect(t, other, "still here")
	})
}

// TestCloseReadAfterCloseWrite closes both directions in any order: what was written before
// arrives, and the writer on the other end is told to stop.
func TestCloseReadAfterCloseWrite(t *testing.T) {
	for name, close := range map[string]func(pipe.Stream){
		"write then read": func(s pipe.Stream) { s.CloseWrite(); s.CloseRead() },
		"read then write": func(s pipe.Stream) { s.CloseRead(); s.CloseWrite() },
		"write then all":  func(s pipe.Stream) { s.CloseWrite(); s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
				said := strings.Repeat("all that I have to say. ", 4000)
				fmt.Fprint(one, said)
				close(one)
				if err := writeUntil(t, other); err != pipe.ErrStopped {
					t.Errorf("write: %v; want ErrStopped", err)
				}
				expect(t, other, said)
				expectEnd(t, other)
				if err := other.CloseWrite(); err != nil && err != pipe.ErrStopped {
					t.Errorf("close write: %v; that is no cut", err)
				}
			})
		})
	}
}

func TestAbort(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		fmt.Fprint(one, "not all of it")
		one.Abort(errors.New("because"))
		if _, err := io.ReadAll(other); !errors.Is(err, pipe.ErrAborted) {
			t.Errorf("read after abort: %v", err)
		}
		if err := writeUntil(t, other); err == pipe.ErrStopped || errors.Is(err, io.EOF) {
			t.Errorf("write after abort: %v", err)
		}
		expectCut(t, one)
		one.Abort(nil) // twice is fine
		if err := one.Close(); err != nil {
			t.Errorf("close after abort: %v", err)
		}
	})
}

// TestCloseUnfinished closes while a direction is open. That is a cut, never an end.
func TestCloseUnfinished(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		fmt.Fprint(one, "half a sen")
		one.Close()
		expectCut(t, other)
	})
}

func TestDeadline(t *testing.T) {
	onBothTransports(t, func(t *testing.T, one, other pipe.Stream) {
		one.SetDeadline(time.Now().Add(-time.Second))
		if _, err := one.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		one.SetDeadline(time.Time{})
		fmt.Fprint(other, "x")
		expect(t, one, "x")
	})
}
