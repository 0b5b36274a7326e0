package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

// Handle lets serve answer the calls that come in, each in a goroutine of its own; until then they are refused.
// It is called once. serve owns its stream and is done with it when it returns. Its ctx ends when the
// node closes, and Close waits for it.
func (n *Node) Handle(serve func(ctx context.Context, caller address.ID, s pipe.Stream)) {
	call := func(ctx context.Context, caller address.ID, s *stream) { serve(ctx, caller, s) }
	n.host.SetStreamHandler(Protocol, n.answer(call))
	n.swarm.SetStreamHandler(n.greet(n.swarm.StreamHandler(), call))
}

// answer serves streams that libp2p has negotiated.
func (n *Node) answer(serve server) network.StreamHandler {
	return func(raw network.Stream) { n.take(raw, "", "", serve) }
}
