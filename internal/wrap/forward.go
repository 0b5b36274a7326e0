package wrap

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// dialTimeout is how long the server may take to answer.
const dialTimeout = 10 * time.Second

// forward joins one call with the server. A server that does not answer ends the call: a Unix socket has no way to say
// more, so the reason is in the log.
func (w Wrapper) forward(ctx context.Context, c call) error {
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(ctx, w.Settings.Target.Network, w.Settings.Target.Address)
	if err != nil {
		c.conn.Close()
		return fmt.Errorf("the server does not answer: %w", err)
	}
	return pipe.Join(ctx, pipe.Unix(c.conn), pipe.Conn(server)).Err
}
