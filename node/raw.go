package node

import (
	"context"
	"strings"

	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/peerconn"
)

const (
	// rawPrefix begins the protocol of a stream for a cell that a program without cell
	// opens: /x/cell/NAME.
	rawPrefix = "/x/cell/"
	// rawListed is what stands for all of them in the list of our protocols. Nobody answers to it.
	rawListed = "/x/cell"
)

// HandleRaw lets serve answer the streams that plain libp2p programs open with the
// protocol /x/cell/NAME: raw bytes, without request and verdict. name is what a stranger
// wrote, unchecked but for its length. The rest is as for Handle.
//
// The protocol is matched by its prefix, so that the list of protocols which identify
// gives everyone names no cell.
func (n *Node) HandleRaw(serve func(ctx context.Context, caller address.ID, name string, s pipe.Stream)) {
	n.host.SetStreamHandlerMatch(rawListed, isRaw,
		n.answer(func(ctx context.Context, caller address.ID, s *peerconn.Stream) {
			serve(ctx, caller, strings.TrimPrefix(s.Protocol(), rawPrefix), s)
		}))
}

// isRaw says whether the protocol is a raw one, and no longer than the name of a cell can be.
func isRaw(p protocol.ID) bool {
	name, ok := strings.CutPrefix(string(p), rawPrefix)
	return ok && name != "" && len(name) <= address.MaxName
}
