package stem

import (
	"context"
	"sync"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/wire"
)

// flights has each cell started once, however many wait for it.
type flights struct {
	mu      sync.Mutex
	running map[address.Name]*flight
	closed  bool
	work    sync.WaitGroup
}

type flight struct {
	done chan struct{}
	err  error // once done
}

// do waits for the start of a cell that is under way, or begins one. ctx is that of all calls and not of one caller,
// so a start goes on without those who have left; close waits for it. Whoever would be the first has to be allowed to.
func (f *flights) do(ctx context.Context, cell address.Name, allowed func() error, start func(context.Context) error) error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return wire.Refusal{Code: wire.Failed, Reason: "the stem is closing"}
	}
	under, ok := f.running[cell]
	if !ok {
		if err := allowed(); err != nil {
			f.mu.Unlock()
			return err
		}
		under = &flight{done: make(chan struct{})}
		f.running[cell] = under
		f.work.Go(func() {
			under.err = start(ctx)
			f.mu.Lock()
			delete(f.running, cell)
			f.mu.Unlock()
			close(under.done)
		})
	}
	f.mu.Unlock()
	select {
	case <-under.done:
		return under.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close lets no more starts begin and waits for those under way.
func (f *flights) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.work.Wait()
}
