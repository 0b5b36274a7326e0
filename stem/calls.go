package stem

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// calls remembers which calls of local callers were cut, for those who ask: a Unix socket reads as a clean
// end of file either way. Numbers begin at a random one, so that those of a stem that died are not taken
// for this one's.
type calls struct {
	mu    sync.Mutex
	first uint64
	next  uint64
	cut   map[uint64]string
	order []uint64 // of cut, oldest first
	floor uint64   // of calls below it, cuts have been forgotten
}

// maxCuts bounds what is remembered; a caller asks as soon as it reads the end of file.
const maxCuts = 4096

func newCalls() *calls {
	first := rand.Uint64() >> 1
	return &calls{first: first, next: first, floor: first, cut: map[uint64]string{}}
}

// begin numbers a new call.
func (c *calls) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.next - 1
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

func (t *toldStream) CloseWrite() error {
	t.whole.Store(true)
	return t.Stream.CloseWrite()
}

func (t *toldStream) Abort(reason error) {
	if !t.whole.Load() {
		t.calls.wasCut(t.call, reason)
	}
	t.Stream.Abort(reason)
}
