package adapter

import (
	"context"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
)

// cut tells of a call that can't be finished, while its socket is open.
func (w Wrapper) cut(c call) { stemclient.Cut(w.Home, c.conn.RemoteAddr().String()) }

// caller is a caller's stream, whose cut is told before it can be seen.
type caller struct {
	pipe.Stream
	cut func()
}

func (c *caller) ReadLate(l *pipe.Loan) (int, error) { return pipe.ReadLate(c.Stream, l) }
func (c *caller) Left(ctx context.Context) bool      { return pipe.HasLeft(ctx, c.Stream) }

func (c *caller) Abort(reason error) {
	c.cut()
	c.Stream.Abort(reason)
}
