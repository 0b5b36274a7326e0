package adapter

import (
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
)

// cut reports a call that can't be finished. It must run while the socket is open.
func (a Adapter) cut(c call) { stemclient.Cut(a.Home, c.conn.RemoteAddr().String()) }

// caller is a caller's stream that reports a cut before the caller can see it.
type caller struct {
	pipe.Wrapper
	cut func()
}

func (c *caller) Abort(reason error) {
	c.cut()
	c.Stream.Abort(reason)
}
