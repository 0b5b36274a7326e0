package pipe_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// The caller ends its question, and the answer comes after that: how most cells are used.
func TestCallerEndsFirst(t *testing.T) {
	overRoutes(t, func(t *testing.T, c *call) {
		write(t, c.caller, "question")
		closeWrite(t, c.caller)
		wantAll(t, c.cell, "question")
		write(t, c.cell, "an answer")
		closeWrite(t, c.cell)
		wantAll(t, c.caller, "an answer")
		c.wantEnd(t, 8, 9)
	})
}

// The cell ends first, and goes on reading.
func TestCellEndsFirst(t *testing.T) {
	overRoutes(t, func(t *testing.T, c *call) {
		write(t, c.cell, "greeting")
		closeWrite(t, c.cell)
		wantAll(t, c.caller, "greeting")
		write(t, c.caller, "thanks")
		closeWrite(t, c.caller)
		wantAll(t, c.cell, "thanks")
		c.wantEnd(t, 6, 8)
	})
}

// Each waits for the other's word before it says the next: nothing is held back until
// more has come.
func TestTurns(t *testing.T) {
	overRoutes(t, func(t *testing.T, c *call) {
		for range 100 {
			write(t, c.caller, "ping")
			wantNext(t, c.cell, "ping")
			write(t, c.cell, "pong")
			wantNext(t, c.caller, "pong")
		}
		closeWrite(t, c.caller)
		closeWrite(t, c.cell)
		c.wantEnd(t, 400, 400)
	})
}

func TestBothEndAtOnce(t *testing.T) {
	overRoutes(t, func(t *testing.T, c *call) {
		var both sync.WaitGroup
		for _, end := range []pipe.Stream{c.caller, c.cell} {
			both.Go(func() { write(t, end, "bye"); closeWrite(t, end) })
		}
		both.Wait()
		wantAll(t, c.cell, "bye")
		wantAll(t, c.caller, "bye")
		c.wantEnd(t, 3, 3)
	})
}

func TestEmptyStreams(t *testing.T) {
	overRoutes(t, func(t *testing.T, c *call) {
		closeWrite(t, c.cell)
		wantAll(t, c.caller, "")
		closeWrite(t, c.caller)
		wantAll(t, c.cell, "")
		c.wantEnd(t, 0, 0)
	})
}

// Nothing is lost or reordered where the buffers fill and empty many times over, in both
// directions at once.
func TestLarge(t *testing.T) {
	const size = 64 << 20
	for _, route := range [][2]transport{{memory, memory}, {unix, unix}} {
		t.Run(route[0].name, func(t *testing.T) {
			c := join(t, route[0], route[1])
			var all sync.WaitGroup
			send := func(to, from pipe.Stream, size int64, seed byte) {
				sent, got := sha256.New(), sha256.New()
				all.Go(func() {
					source := io.LimitReader(rand.NewChaCha8([32]byte{seed}), size)
					if _, err := io.Copy(io.MultiWriter(struct{ io.Writer }{to}, sent),
						source); err != nil {
						t.Error(err)
					}
					closeWrite(t, to)
				})
				all.Go(func() {
					n, err := io.Copy(got, struct{ io.Reader }{from})
					if err != nil || n != size {
						t.Errorf("%d bytes arrived of %d: %v", n, size, err)
					}
				})
				t.Cleanup(func() {
					if string(sent.Sum(nil)) != string(got.Sum(nil)) {
						t.Error("what arrived is not what was sent")
					}
				})
			}
			send(c.caller, c.cell, size, 1)
			send(c.cell, c.caller, size/64, 2)
			all.Wait()
			c.wantEnd(t, size, size/64)
		})
	}
}

// A stream that can't be released in order says so: its last bytes may not have left.
func TestCloseFails(t *testing.T) {
	broken := errors.New("broken")
	far, near := pipetest.New()
	other, b := pipetest.New()
	closeWrite(t, far)
	closeWrite(t, other)
	if got := pipe.Join(t.Context(), failsToClose{near, broken}, b); !errors.Is(got.Err, broken) {
		t.Errorf("report is %+v, want %v", got, broken)
	}
}

type failsToClose struct {
	pipe.Stream
	err error
}

func (f failsToClose) Close() error { return f.err }
