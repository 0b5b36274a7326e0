package limits

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// Many dials to one address on the Internet are allowed, and so are many calls through one
// relay. Many connections from one address are not.
func TestConnectionsOfOneAddress(t *testing.T) {
	m := newManager(t, Config{})
	direct := ma.StringCast("/ip4/203.0.113.1/udp/4433/quic-v1")
	relayed := ma.StringCast(direct.String() +
		"/p2p/12D3KooWHTbygVJABPCHZVEHKhjYEGdUrjqNwd5WfG3q3ipAu5Q9/p2p-circuit")
	const many = 40
	for _, c := range []struct {
		dir  network.Direction
		at   ma.Multiaddr
		most int
	}{
		{network.DirOutbound, direct, many},
		{network.DirOutbound, relayed, many},
		{network.DirInbound, relayed, many},
		{network.DirInbound, direct, 8},
	} {
		var open []network.ConnManagementScope
		for range many {
			if scope, err := m.OpenConnection(c.dir, false, c.at); err == nil {
				open = append(open, scope)
			}
		}
		if len(open) != c.most {
			t.Errorf("%v %s: %d of %d connections, want %d", c.dir, c.at, len(open), many, c.most)
		}
		for _, scope := range open {
			scope.Done()
		}
	}
}
