package node

import (
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// dials makes a resource manager leave out of its limits for IP addresses what they are
// not meant for. They keep strangers from flooding us: whom we dial ourselves is for us
// to say, and to get past a NAT takes many dials to one address. And those who come by a
// relay do not come from the relay's address.
type dials struct{ network.ResourceManager }

func (d dials) OpenConnection(dir network.Direction, usefd bool,
	at ma.Multiaddr) (network.ConnManagementScope, error) {
	if dir == network.DirOutbound || maddrs.RelayOf(at) != "" {
		at = neighbour
	}
	return d.ResourceManager.OpenConnection(dir, usefd, at)
}

// neighbour is an address without limits.
var neighbour = ma.StringCast("/ip4/127.0.0.1")
