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
	Found bool // whether an address was found
	Asked int  // how many members were asked by then
	// Hops is how far away the member was that knew an address: 1 if From already knew
	// that member, 0 if From knew the address itself.
	Hops int
	Took time.Duration // until the first address, or until the search gave up
}

// maxLookups is how many lookups a Net keeps.
const maxLookups = 1 << 20

// Lookups returns the searches that the nodes have finished, in that order.
func (n *Net) Lookups() []Lookup {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lookups)
}

// looked records a search; the node calls it.
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
