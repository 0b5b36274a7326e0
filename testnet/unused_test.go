package testnet

import (
	"slices"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// A connection that has carried a call is gone soon after it, whichever way it went, and
// so are those to the neighbours in the mesh. What remains are the ways into the mesh,
// and relays.
func TestUnusedConnectionsEnd(t *testing.T) {
	virtually(t, Config{}, func(l lab) {
		t := l.t
		boot := l.join(NodeConfig{})
		join := func(kind natlab.Kind) *Node {
			return l.join(NodeConfig{Place: Place{Kind: kind}, Bootstrap: []*Node{boot}})
		}
		for range 4 {
			join(natlab.Public)
		}
		cgn, sym, eim := join(natlab.CGN), join(natlab.Symmetric), join(natlab.EIM)
		for range 2 { // in the same way again
			l.answered(cgn, sym)
			l.answered(eim, sym)
			l.answered(cgn, eim)
			time.Sleep(2 * time.Minute)
			for _, node := range []*Node{cgn, sym, eim} {
				for _, p := range node.Status().Peers {
					held := p.ID == boot.ID().String() ||
						slices.Contains(node.Status().Relays, p.ID)
					if !held {
						t.Errorf("%s is still connected to %s: %+v", node, p.ID, p)
					}
				}
			}
		}
	})
}
