package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node"
)

// observed is a node's network that notes how peers were reached.
type observed struct {
	*node.Node
	by *Node
}

// opened is the last stream to a peer.
type opened struct {
	at    time.Time
	route string
}

func (o observed) Open(ctx context.Context, to address.ID,
	at ...address.Place) (pipe.Stream, error) {
	s, err := o.Node.Open(ctx, to, at...)
	if routed, ok := s.(interface{ Route() string }); ok && err == nil {
		o.by.mu.Lock()
		o.by.opened[to] = opened{time.Now(), routed.Route()}
		o.by.mu.Unlock()
	}
	return s, err
}
