package stem

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// calls remembers which calls of local callers were cut, for those who ask: a Unix socket
// reads as a clean end of file either way. Numbers begin at a random one, so that those
// of a stem that died are not taken for this one's.
type calls struct {
	mu    sync.Mutex
	first uint64
	next  uint64
	cut   map[uint64]string
	order []uint64 // of cut, oldest first
	floor uint64   // of calls below it, cuts have been forgotten

	// the calls under way, and whether their callers have asked already
	under   map[uint64]bool
	unasked map[uint64]time.Time // when calls ended whose callers have not asked yet
	asked   chan struct{}        // gets something whenever one does
}

const (
	// maxCuts bounds what is remembered; a caller asks as soon as it reads the end of file.
	maxCuts = 4096
	// askSoon is how long that may take, as a rule: a stem that is stopped doesn't wait
	// for those who haven't asked by then.
	askSoon = time.Second
)

func newCalls() *calls {
	first := rand.Uint64() >> 1
	return &calls{first: first, next: first, floor: first, cut: map[uint64]string{},
		under: map[uint64]bool{}, unasked: map[uint64]time.Time{}, asked: make(chan struct{}, 1)}
}

// begin numbers a new call.
func (c *calls) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	c.under[c.next-1] = false
	return c.next - 1
}

// left says that the stem is done with the call.
func (c *calls) left(call uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unasked) == maxCuts {
		c.forget()
	}
	if asked, under := c.under[call]; under && !asked && len(c.unasked) < maxCuts {
		c.unasked[call] = time.Now()
	}
	delete(c.under, call)
}

// forget drops those who had their time to ask; c.mu is held.
func (c *calls) forget() {
	maps.DeleteFunc(c.unasked, func(_ uint64, since time.Time) bool {
		return time.Since(since) > askSoon
	})
}

// close makes only those count as unasked who may still be about to ask.
func (c *calls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
}

// allAsked waits until nobody is left who may ask, or ctx ends.
func (c *calls) allAsked(ctx context.Context) {
	for {
		c.mu.Lock()
		left := len(c.unasked)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		select {
		case <-c.asked:
		case <-ctx.Done():
			return
		}
	}
}

// wasCut records that the caller has not been given the whole answer.
func (c *calls) wasCut(call uint64, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) == maxCuts {
		delete(c.cut, c.order[0])
		c.floor = max(c.floor, c.order[0]+1)
		c.order = c.order[1:]
	}
	c.cut[call] = fmt.Sprint(reason)
	c.order = append(c.order, call)
}

// end returns nil if the call came to an orderly end, or is under way.
func (c *calls) end(call uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, under := c.under[call]; under {
		c.under[call] = true
	}
	delete(c.unasked, call)
	wake(c.asked)
	reason, cut := c.cut[call]
	switch {
	case cut:
		return wire.Refusal{Code: wire.Cut, Reason: reason}
	case call < c.first || call >= c.next:
		return wire.Refusal{Code: wire.Cut, Reason: "the stem of this machine was restarted"}
	case call < c.floor:
		return wire.Refusal{Code: wire.Cut, Reason: "how it ended has been forgotten"}
	}
	return nil
}

// toldStream is a local caller's stream, whose cut is recorded before the caller can see it.
type toldStream struct {
	pipe.Stream
	calls *calls
	call  uint64
	whole atomic.Bool // the caller has been given all there was
}

func (t *toldStream) ReadLate(l *pipe.Loan) (int, error) { return pipe.ReadLate(t.Stream, l) }
func (t *toldStream) Left(ctx context.Context) bool      { return pipe.HasLeft(ctx, t.Stream) }

func (t *toldStream) CloseWrite() error {
	t.whole.Store(true)
	return t.Stream.CloseWrite()
}

func (t *toldStream) Abort(reason error) {
	if !t.whole.Load() {
		t.calls.wasCut(t.call, reason)
	}
	t.Stream.Abort(reason)
	t.calls.left(t.call)
}

func (t *toldStream) Close() error {
	err := t.Stream.Close()
	t.calls.left(t.call)
	return err
}
