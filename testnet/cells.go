package testnet

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// Cell handles one call; it takes the place of a program. When it returns nil, its answer is
// delivered and the call ends; an error cuts the call. ctx ends when the node stops.
type Cell func(ctx context.Context, call io.ReadWriter) error

// Echo returns what it reads.
func Echo(_ context.Context, call io.ReadWriter) error {
	_, err := io.Copy(call, call)
	return err
}

// Slow returns a cell that waits before it echoes.
func Slow(wait time.Duration) Cell {
	return func(ctx context.Context, call io.ReadWriter) error {
		select {
		case <-time.After(wait):
			return Echo(ctx, call)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Crash fails after it has read a byte.
func Crash(_ context.Context, call io.ReadWriter) error {
	call.Read(make([]byte, 1))
	return errors.New("crashed")
}

// Silent reads everything and never answers.
func Silent(ctx context.Context, call io.ReadWriter) error {
	io.Copy(io.Discard, call)
	<-ctx.Done()
	return ctx.Err()
}

// cells are a node's cells, as stem.Cells.
type cells struct {
	do map[address.Name]Cell

	mu    sync.Mutex
	life  context.Context // of the node; nil before it runs
	calls sync.WaitGroup
}

func newCells(do map[string]Cell) (*cells, error) {
	c := &cells{do: map[address.Name]Cell{}}
	for text, cell := range do {
		name, err := address.ParseName(text)
		if err != nil {
			return nil, err
		}
		c.do[name] = cell
	}
	return c, nil
}

func (c *cells) Connect(ctx context.Context, name address.Name,
	caller gate.Caller) (pipe.Stream, error) {
	if err := c.Germinate(ctx, name, caller); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil || c.life.Err() != nil {
		return nil, wire.Refusal{Code: wire.Failed, Reason: "the node is stopping"}
	}
	near, far := pipetest.New()
	life, do := c.life, c.do[name]
	c.calls.Go(func() {
		defer context.AfterFunc(life, func() { far.Abort(life.Err()) })()
		if err := do(life, far); err != nil {
			far.Abort(err)
			return
		}
		far.Close()
	})
	return near, nil
}

func (c *cells) Germinate(_ context.Context, name address.Name, _ gate.Caller) error {
	if c.do[name] == nil {
		return wire.Refusal{Code: wire.NotFound, Reason: "this node has no cell " + name.String()}
	}
	return nil
}

// Cut does nothing: a Cell that returns an error has cut its call.
func (c *cells) Cut(string) bool { return false }

func (c *cells) Running() []address.Name { return slices.Collect(maps.Keys(c.do)) }

func (c *cells) Known() []address.Name { return c.Running() }

func (c *cells) Run(ctx context.Context) error {
	c.mu.Lock()
	c.life = ctx
	c.mu.Unlock()
	<-ctx.Done()
	c.calls.Wait()
	return nil
}
