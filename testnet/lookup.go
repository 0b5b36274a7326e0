package testnet

import (
	"slices"
	"time"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
)

// Lookup is one search for a peer in the mesh.
type Lookup struct {
	From  *Node
	To    address.ID
	Began time.Time
	Found bool // an address of it
	Asked int  // members that were asked until then: so many messages, and as many answers
	// how far the one that knew was from us: 1 is one that we knew already, 0 that we
	// knew ourselves
	Hops int
	Took time.Duration // until the first address, or until the search was given up
}

// maxLookups bounds how many are remembered.
const maxLookups = 1 << 20

// Lookups are the searches that the nodes have done so far, in the order in which they ended.
func (n *Net) Lookups() []Lookup {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lookups)
}

// looked is told by the node.
func (n *Node) looked(l discovery.Lookup) {
	to, err := address.ParseID(l.Peer.String())
	if err != nil {
		return
	}
	n.net.mu.Lock()
	defer n.net.mu.Unlock()
	if len(n.net.lookups) < maxLookups {
		n.net.lookups = append(n.net.lookups,
			Lookup{n, to, time.Now().Add(-l.Took), l.Found, l.Asked, l.Hops, l.Took})
	}
}
