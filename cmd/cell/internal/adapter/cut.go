package adapter

import (
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
)

// cut tells of a call that can't be finished, while its socket is open.
func (w Wrapper) cut(c call) { stemclient.Cut(w.Home, c.conn.RemoteAddr().String()) }

// caller is a caller's stream, whose cut is told before it can be seen.
type caller struct {
	pipe.Wrapper
	cut func()
}

func (c *caller) Abort(reason error) {
	c.cut()
	c.Stream.Abort(reason)
}
