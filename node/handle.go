package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/peerconn"
)

// Handle calls serve for each incoming call, in a goroutine of its own. Before that, calls
// are refused. Call Handle once. serve owns its stream until it returns. Its ctx ends when
// the node closes, and Close waits for it.
func (n *Node) Handle(serve func(ctx context.Context, caller address.ID, s pipe.Stream)) {
	n.host.SetStreamHandler(Protocol, n.answer(
		func(ctx context.Context, caller address.ID, s *peerconn.Stream) { serve(ctx, caller, s) }))
}

// answer returns the handler for both kinds of calls.
func (n *Node) answer(serve func(context.Context, address.ID, *peerconn.Stream),
) network.StreamHandler {
	return func(raw network.Stream) {
		if !n.tasks.Begin() {
			raw.Reset()
			return
		}
		defer n.tasks.Done()
		caller, err := address.ParseID(raw.Conn().RemotePeer().String())
		if err != nil { // a type of key that cell does not support
			raw.Reset()
			return
		}
		s := n.conns.Accept(raw)
		defer s.Close()
		serve(n.tasks.Context(), caller, s)
	}
}
