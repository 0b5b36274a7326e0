package node

import (
	"net/netip"
	"testing"

	"github.com/cell-mesh/cell/node/nat/portmap"
)

// A router is only asked if that helps: not by a node that listens on loopback, and not by one
// that looks for nobody beyond its own network.
func TestAsksRouter(t *testing.T) {
	t.Parallel()
	everywhere := []netip.Addr{netip.IPv4Unspecified()}
	for _, c := range []struct {
		mesh   string
		listen []netip.Addr
		asks   bool
	}{
		{"home", everywhere, true},
		{"none", everywhere, false},
		{"home", []netip.Addr{loopback}, false},
	} {
		n, err := New(Config{Identity: testIdentity(t), Mesh: c.mesh, Listen: c.listen,
			NoMDNS: true})
		if err != nil {
			t.Fatal(err)
		}
		if asks := n.nat.AsksRouter(); asks != c.asks {
			t.Errorf("in mesh %s, at %v, it asks: %v", c.mesh, c.listen, asks)
		}
		if ports := n.Status().Ports; ports != (portmap.State{}) {
			t.Errorf("without a router it has %v", ports)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
