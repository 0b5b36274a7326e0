package testnet

import (
	"slices"
	"sync"

	"github.com/cell-mesh/cell/discovery/mdns"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// lan introduces neighbours to each other: mDNS without the packets.
type lan struct {
	mu      sync.Mutex
	members []*neighbour
}

// neighbour is a host that finds, and is found by, the others of its LAN with the same
// service. It is an mdns.Service.
type neighbour struct {
	lan     *lan
	host    host.Host
	service string
	found   mdns.Notifee
}

func (n *neighbour) Start() error {
	n.lan.mu.Lock()
	others := slices.Clone(n.lan.members)
	n.lan.members = append(n.lan.members, n)
	n.lan.mu.Unlock()
	for _, other := range others {
		if other.service == n.service {
			n.meet(other)
			other.meet(n)
		}
	}
	return nil
}

func (n *neighbour) meet(other *neighbour) {
	addrs, err := other.host.Network().InterfaceListenAddresses()
	if err == nil {
		n.found.HandlePeerFound(peer.AddrInfo{ID: other.host.ID(), Addrs: addrs})
	}
}

func (n *neighbour) Close() error {
	n.lan.mu.Lock()
	defer n.lan.mu.Unlock()
	n.lan.members = slices.DeleteFunc(n.lan.members,
		func(other *neighbour) bool { return other == n })
	return nil
}
