package testnet

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// stemSocket is a stem's local socket, in memory.
type stemSocket struct {
	calls  chan pipe.Stream
	closed chan struct{}
	close  func()
}

func newStemSocket() *stemSocket {
	s := &stemSocket{calls: make(chan pipe.Stream), closed: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	return s
}

func (s *stemSocket) Accept() (pipe.Stream, error) {
	select {
	case call := <-s.calls:
		return call, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *stemSocket) Close() error {
	s.close()
	return nil
}

// dial connects to the stem, as a program on its machine would.
func (s *stemSocket) dial(ctx context.Context) (pipe.Stream, error) {
	near, far := pipetest.New()
	select {
	case s.calls <- far:
		return near, nil
	case <-s.closed:
		return nil, errStopped
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the stem: %w", context.Cause(ctx))
	}
}
