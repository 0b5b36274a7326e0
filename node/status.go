package node

import (
	"cmp"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/cell-mesh/cell/discovery"
)

// Status is what a node knows about itself and its peers at one moment.
type Status struct {
	ID        string                `json:"id"`
	Addrs     []string              `json:"addrs"`
	Mesh      string                `json:"mesh"`
	DHT       discovery.DHTStatus   `json:"dht"`
	Bootstrap []discovery.PeerState `json:"bootstrap"`
	Peers     []PeerStatus          `json:"peers"`
}

// PeerStatus is one connection to a peer; a peer may have several.
type PeerStatus struct {
	ID        string `json:"id"`
	Address   string `json:"address"`
	Transport string `json:"transport"` // "quic", "tcp" or "relay"
	Direction string `json:"direction"` // "in" or "out": who dialled
	Streams   int    `json:"streams"`   // calls on it
}

// Status returns how things stand now.
func (n *Node) Status() Status {
	found := n.finder.Status()
	s := Status{ID: n.id.String(), Addrs: n.Addrs(), Mesh: found.Mesh, DHT: found.DHT, Bootstrap: found.Bootstrap, Peers: []PeerStatus{}}
	for _, conn := range n.host.Network().Conns() {
		p := PeerStatus{
			ID:        conn.RemotePeer().String(),
			Address:   conn.RemoteMultiaddr().String(),
			Transport: transport(conn.RemoteMultiaddr()),
			Direction: direction(conn),
		}
		n.mu.Lock()
		l := n.links[conn]
		n.mu.Unlock()
		if l != nil {
			p.Streams = l.calls()
		}
		s.Peers = append(s.Peers, p)
	}
	slices.SortFunc(s.Peers, func(a, b PeerStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return s
}

func direction(conn network.Conn) string {
	if conn.Stat().Direction == network.DirInbound {
		return "in"
	}
	return "out"
}
