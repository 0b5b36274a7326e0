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

// localCalls numbers the calls of local callers and remembers which were cut. Callers have to
// ask, since a Unix socket reads as a clean end of file either way. The first number is random,
// so that a number from another life of the stem is not taken for one of this.
type localCalls struct {
	mu    sync.Mutex
	first uint64
	next  uint64

	cuts      map[uint64]string // why calls were cut
	order     []uint64          // the keys of cuts, oldest first
	forgotten uint64            // cuts of calls below this number are forgotten

	active  map[uint64]bool      // calls under way, and whether their callers have asked already
	unasked map[uint64]time.Time // when calls ended whose callers have not asked yet
	asked   chan struct{}        // receives when a caller asks
}

const (
	// maxCuts limits memory. A caller asks as soon as it reads the end of file.
	maxCuts = 4096
	// askWithin is how long that usually takes. A stem that stops does not wait for callers who
	// did not ask within this time.
	askWithin = time.Second
)

func newLocalCalls() *localCalls {
	first := rand.Uint64() >> 1
	return &localCalls{first: first, next: first, forgotten: first, cuts: map[uint64]string{},
		active: map[uint64]bool{}, unasked: map[uint64]time.Time{}, asked: make(chan struct{}, 1)}
}

// begin returns the number of a new call.
func (c *localCalls) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := c.next
	c.next++
	c.active[number] = false
	return number
}

// finish notes that the stem has closed the call.
func (c *localCalls) finish(number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unasked) == maxCuts {
		c.dropStaleLocked()
	}
	if asked, active := c.active[number]; active && !asked && len(c.unasked) < maxCuts {
		c.unasked[number] = time.Now()
	}
	delete(c.active, number)
}

// dropStale forgets the callers who did not ask in time.
func (c *localCalls) dropStale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropStaleLocked()
}

func (c *localCalls) dropStaleLocked() {
	maps.DeleteFunc(c.unasked, func(_ uint64, ended time.Time) bool {
		return time.Since(ended) > askWithin
	})
}

// waitAsked waits until all callers whose calls ended have asked, or ctx ends.
func (c *localCalls) waitAsked(ctx context.Context) {
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

// cut records that the caller did not get the whole answer.
func (c *localCalls) cut(number uint64, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) == maxCuts {
		delete(c.cuts, c.order[0])
		c.forgotten = max(c.forgotten, c.order[0]+1)
		c.order = c.order[1:]
	}
	c.cuts[number] = fmt.Sprint(reason)
	c.order = append(c.order, number)
}

// outcome answers a caller who asks how its call ended. It returns nil if the call ended in
// order or is under way.
func (c *localCalls) outcome(number uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, active := c.active[number]; active {
		c.active[number] = true
	}
	delete(c.unasked, number)
	select {
	case c.asked <- struct{}{}:
	default:
	}
	reason, cut := c.cuts[number]
	switch {
	case cut:
	case number < c.first || number >= c.next:
		reason = "the stem of this machine was restarted"
	case number < c.forgotten:
		reason = "how it ended has been forgotten"
	default:
		return nil
	}
	return wire.Refusal{Code: wire.Cut, Reason: reason}
}

// localStream is a local caller's stream. It records a cut before the caller can see it.
type localStream struct {
	pipe.Wrapper
	calls  *localCalls
	number uint64
	whole  atomic.Bool // the caller got the whole answer
}

func (l *localStream) CloseWrite() error {
	l.whole.Store(true)
	return l.Stream.CloseWrite()
}

func (l *localStream) Abort(reason error) {
	if !l.whole.Load() {
		l.calls.cut(l.number, reason)
	}
	l.Stream.Abort(reason)
	l.calls.finish(l.number)
}

func (l *localStream) Close() error {
	err := l.Stream.Close()
	l.calls.finish(l.number)
	return err
}
