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
	// rawPrefix begins the protocol /x/cell/NAME, with which programs that do not speak cell
	// call one.
	rawPrefix = "/x/cell/"
	// rawListed represents all of them in the list of our protocols. It is not answered.
	rawListed = "/x/cell"
)

// HandleRaw calls serve for the streams that plain libp2p programs open with the protocol
// /x/cell/NAME: raw bytes, without request and verdict. name comes from a stranger; only its
// length is checked. The rest is as for Handle.
//
// The protocol is matched by its prefix, so that the protocols which identify tells
// everyone name no cell.
func (n *Node) HandleRaw(
	serve func(ctx context.Context, caller address.ID, name string, s pipe.Stream)) {
	n.host.SetStreamHandlerMatch(rawListed, isRaw,
		n.answer(func(ctx context.Context, caller address.ID, s *peerconn.Stream) {
			serve(ctx, caller, strings.TrimPrefix(s.Protocol(), rawPrefix), s)
		}))
}

// isRaw reports whether a protocol is a raw one, no longer than a cell's name can be.
func isRaw(p protocol.ID) bool {
	name, ok := strings.CutPrefix(string(p), rawPrefix)
	return ok && name != "" && len(name) <= address.MaxName
}
