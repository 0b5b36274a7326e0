package node

import (
	"cmp"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Addrs returns where others may reach the node, as multiaddrs that end in /p2p/ID: what
// works from farthest away comes first, loopback last, and QUIC before TCP.
func (n *Node) Addrs() []string {
	addrs := n.host.Addrs()
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(nearness(a), nearness(b)), cmp.Compare(cost(a), cost(b)),
			a.Compare(b))
	})
	text := make([]string, len(addrs))
	for i, a := range addrs {
		text[i] = a.String() + "/p2p/" + n.id.String()
	}
	return text
}

// nearness is 0 for addresses on the Internet, and more the fewer can use it.
func nearness(a ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(a):
		return 3
	case manet.IsIP6LinkLocal(a):
		return 2
	case manet.IsPrivateAddr(a):
		return 1
	}
	return 0
}

// transport names how an address is reached: "quic", "tcp" or "relay".
func transport(a ma.Multiaddr) string {
	kind := "tcp"
	ma.ForEach(a, func(c ma.Component) bool {
		switch c.Protocol().Code {
		case ma.P_CIRCUIT:
			kind = "relay"
			return false
		case ma.P_QUIC_V1:
			kind = "quic"
		}
		return true
	})
	return kind
}

// cost puts the transports in the order in which one would try them.
func cost(a ma.Multiaddr) int {
	return slices.Index([]string{"quic", "tcp", "relay"}, transport(a))
}

// Introduce takes peers for members of the mesh that answer in its DHT, without asking them.
func (n *Node) Introduce(members ...peer.AddrInfo) error { return n.finder.Introduce(members...) }
