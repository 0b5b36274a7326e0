package testnet

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// door is a stem's local door in memory.
type door struct {
	calls  chan pipe.Stream
	closed chan struct{}
	close  func()
}

func newDoor() *door {
	d := &door{calls: make(chan pipe.Stream), closed: make(chan struct{})}
	d.close = sync.OnceFunc(func() { close(d.closed) })
	return d
}

func (d *door) Accept() (pipe.Stream, error) {
	select {
	case s := <-d.calls:
		return s, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error {
	d.close()
	return nil
}

// knock is what a program of the machine does to call.
func (d *door) knock(ctx context.Context) (pipe.Stream, error) {
	near, far := pipetest.New()
	select {
	case d.calls <- far:
		return near, nil
	case <-d.closed:
		return nil, errStopped
	case <-ctx.Done():
		return nil, fmt.Errorf("knock at the stem's door: %w", context.Cause(ctx))
	}
}
