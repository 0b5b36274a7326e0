package stem

import (
	"context"
	"sync"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/wire"
)

// flights has each cell started once, however many wait for it.
type flights struct {
	mu      sync.Mutex
	running map[address.Name]*flight
	starts  *tasks.Group
}

type flight struct {
	done chan struct{}
	err  error // once done
}

// do waits for the start of a cell that is under way, or begins one, which goes on
// without those who have left until close stops it. Whoever would be the first has to be
// allowed to.
func (f *flights) do(ctx context.Context, cell address.Name, allowed func() error,
	start func(context.Context) error) error {
	f.mu.Lock()
	under, ok := f.running[cell]
	if !ok {
		if err := allowed(); err != nil {
			f.mu.Unlock()
			return err
		}
		under = &flight{done: make(chan struct{})}
		begun := f.starts.Go(func() {
			under.err = start(f.starts.Context())
			f.mu.Lock()
			delete(f.running, cell)
			f.mu.Unlock()
			close(under.done)
		})
		if !begun {
			f.mu.Unlock()
			return wire.Refusal{Code: wire.Failed, Reason: "the stem is closing"}
		}
		f.running[cell] = under
	}
	f.mu.Unlock()
	select {
	case <-under.done:
		return under.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close lets no more starts begin, stops those under way, and waits for their ends.
func (f *flights) close() {
	f.starts.End()
	f.starts.Wait()
}
