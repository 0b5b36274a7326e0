package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node"
)

// routeRecorder is a node's network that records how peers were reached.
type routeRecorder struct {
	*node.Node
	by *Node
}

// opened is when and how the last stream to a peer was opened.
type opened struct {
	at    time.Time
	route string
}

func (r routeRecorder) Open(ctx context.Context, to address.ID,
	at ...address.Place) (pipe.Stream, error) {
	s, err := r.Node.Open(ctx, to, at...)
	if routed, ok := s.(interface{ Route() string }); ok && err == nil {
		r.by.mu.Lock()
		defer r.by.mu.Unlock()
		r.by.opened[to] = opened{time.Now(), routed.Route()}
	}
	return s, err
}
