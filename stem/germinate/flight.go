package germinate

import (
	"context"
	"sync"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/wire"
)

// flights starts each cell once, however many callers wait for it.
type flights struct {
	mu      sync.Mutex
	running map[address.Name]*flight
	starts  *tasks.Group
}

type flight struct {
	done chan struct{}
	err  error // set before done is closed
}

// do joins the start of a cell that is under way. If there is none, and allowed returns nil, it
// begins one, which goes on when its callers leave and is stopped by close.
func (f *flights) do(ctx context.Context, cell address.Name, allowed func() error,
	start func(context.Context) error) error {
	flight, err := f.join(cell, allowed, start)
	if err != nil {
		return err
	}
	select {
	case <-flight.done:
		return flight.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (f *flights) join(cell address.Name, allowed func() error,
	start func(context.Context) error) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running := f.running[cell]; running != nil {
		return running, nil
	}
	if err := allowed(); err != nil {
		return nil, err
	}
	begun := &flight{done: make(chan struct{})}
	if !f.starts.Go(func() {
		begun.err = start(f.starts.Context())
		f.mu.Lock()
		delete(f.running, cell)
		f.mu.Unlock()
		close(begun.done)
	}) {
		return nil, wire.Refusal{Code: wire.Failed, Reason: "the stem is closing"}
	}
	f.running[cell] = begun
	return begun, nil
}

// close refuses new starts, cancels those under way and waits for them.
func (f *flights) close() {
	f.starts.End()
	f.starts.Wait()
}
