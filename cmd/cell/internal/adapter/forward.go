package adapter

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// dialTimeout is how long the server may take to answer.
const dialTimeout = 10 * time.Second

// forward joins one call with the server. A server that does not answer, or breaks off,
// cuts the call.
func (w Wrapper) forward(ctx context.Context, c call) error {
	caller := &caller{pipe.Wrapper{Stream: pipe.Unix(c.conn)}, func() { w.cut(c) }}
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(ctx, w.Settings.Target.Network, w.Settings.Target.Address)
	if err != nil {
		err = fmt.Errorf("the server does not answer: %w", err)
		caller.Abort(err)
		return err
	}
	return pipe.Join(ctx, caller, pipe.Conn(server)).Err
}
