package testnet

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"

	"github.com/cell-mesh/cell/testnet/internet"
)

// lan is where neighbours hear of each other: mDNS without the packets.
type lan struct {
	mu sync.Mutex
	in []*neighbour
}

func newLAN() *lan { return &lan{} }

// lan is that of a host.
func (n *Net) lan(h *internet.Host) *lan {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lans[h.Site()]
}

// neighbour is a host that is seen in its LAN by those who look for the same service, and
// sees them.
type neighbour struct {
	lan     *lan
	host    host.Host
	service string
	found   mdns.Notifee
}

func (n *neighbour) Start() error {
	n.lan.mu.Lock()
	others := slices.Clone(n.lan.in)
	n.lan.in = append(n.lan.in, n)
	n.lan.mu.Unlock()
	for _, other := range others {
		if other.service == n.service {
			n.sees(other)
			other.sees(n)
		}
	}
	return nil
}

func (n *neighbour) sees(other *neighbour) {
	addrs, err := other.host.Network().InterfaceListenAddresses()
	if err == nil {
		n.found.HandlePeerFound(peer.AddrInfo{ID: other.host.ID(), Addrs: addrs})
	}
}

func (n *neighbour) Close() error {
	n.lan.mu.Lock()
	defer n.lan.mu.Unlock()
	n.lan.in = slices.DeleteFunc(n.lan.in, func(other *neighbour) bool { return other == n })
	return nil
}
