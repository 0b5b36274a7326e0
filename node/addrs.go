package node

import (
	"cmp"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// Addrs returns the node's addresses, as multiaddrs that end in /p2p/ID. Those that work
// from farthest away come first and loopback last, and QUIC comes before TCP.
func (n *Node) Addrs() []string {
	addrs := n.host.Addrs()
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(maddrs.Scope(a), maddrs.Scope(b)),
			cmp.Compare(maddrs.Cost(a), maddrs.Cost(b)), a.Compare(b))
	})
	text := make([]string, len(addrs))
	for i, a := range addrs {
		text[i] = a.String() + "/p2p/" + n.id.String()
	}
	return text
}
