package adapter

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// dialTimeout is how long the server may take to accept a connection.
const dialTimeout = 10 * time.Second

// forward connects one call to the server. If the server does not answer or breaks off, the
// call is cut.
func (a Adapter) forward(ctx context.Context, c call) error {
	caller := &caller{pipe.Wrapper{Stream: pipe.Unix(c.conn)}, func() { a.cut(c) }}
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(ctx, a.Settings.Target.Network, a.Settings.Target.Address)
	if err != nil {
		err = fmt.Errorf("the server does not answer: %w", err)
		caller.Abort(err)
		return err
	}
	return pipe.Join(ctx, caller, pipe.Conn(server)).Err
}
