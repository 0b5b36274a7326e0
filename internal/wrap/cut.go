package wrap

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/door"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// cutTimeout is how long the stem may take to hear of a cut.
const cutTimeout = 2 * time.Second

// cut tells the stem that a call can't be finished, before its socket is closed, which reads as an orderly end. A process of
// this machine that has connected by itself has nobody in between who could be told.
func (w Wrapper) cut(c call) {
	name, ok := socket.CallerName(c.conn.RemoteAddr().String())
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cutTimeout)
	defer cancel()
	if answer, err := door.Ask(ctx, w.Home, wire.Request{Verb: wire.CutCall, Object: name}); err == nil { // else the call is over
		answer.Conn.Close()
	}
}

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
