package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/peerconn"
)

// Handle lets serve answer the calls that come in, each in a goroutine of its own; until
// then they are refused. It is called once. serve owns its stream and is done with it
// when it returns. Its ctx ends when the node closes, and Close waits for it.
func (n *Node) Handle(serve func(ctx context.Context, caller address.ID, s pipe.Stream)) {
	n.host.SetStreamHandler(Protocol, n.answer(func(ctx context.Context, caller address.ID, s *peerconn.Stream) {
		serve(ctx, caller, s)
	}))
}

// answer is what both kinds of calls have in common.
func (n *Node) answer(serve func(ctx context.Context, caller address.ID, s *peerconn.Stream)) network.StreamHandler {
	return func(raw network.Stream) {
		if !n.tasks.Begin() {
			raw.Reset()
			return
		}
		defer n.tasks.Done()
		caller, err := address.ParseID(raw.Conn().RemotePeer().String())
		if err != nil { // a kind of key that cell does not know
			raw.Reset()
			return
		}
		s := n.conns.Accept(raw)
		defer s.Close()
		serve(n.tasks.Context(), caller, s)
	}
}
