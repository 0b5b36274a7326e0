package limits

import (
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// OpenConnection exempts two kinds of connections from the limits for IP addresses, which
// protect against floods. Our own dials are ours to decide, and a hole punch takes many to
// one address. Relayed connections do not come from the address of the relay.
func (m *Manager) OpenConnection(dir network.Direction, usefd bool,
	at ma.Multiaddr) (network.ConnManagementScope, error) {
	if dir == network.DirOutbound || maddrs.RelayOf(at) != "" {
		at = exempt
	}
	return m.ResourceManager.OpenConnection(dir, usefd, at)
}

var exempt = ma.StringCast("/ip4/127.0.0.1")
