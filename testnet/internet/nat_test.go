package internet

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// A flow is forgotten when nothing has passed for long, in either direction.
func TestForget(t *testing.T) {
	for _, kind := range []natlab.Kind{natlab.EIM, natlab.Symmetric, natlab.CGN} {
		t.Run(kind.String(), func(t *testing.T) {
			inWorld(t, func(w world) {
				socket, callee := w.listen(w.host(kind), 0, 5000), w.listen(w.host(natlab.Public),
					0, 0)
				seen := socket.call(callee)
				for range 3 {
					time.Sleep(forgetAfter - 2*patience)
					if !callee.reaches(socket, seen) {
						t.Fatal("forgotten too early")
					}
				}
				time.Sleep(forgetAfter + time.Second)
				if callee.reaches(socket, seen) {
					t.Error("not forgotten")
				}
			})
		})
	}
}

// A router with another address has forgotten everything, and can be used at once.
func TestRenumber(t *testing.T) {
	inWorld(t, func(w world) {
		x := w.host(natlab.EIM)
		socket, callee := w.listen(x, 0, 5000), w.listen(w.host(natlab.Public), 0, 0)
		before := socket.call(callee)
		check(t, x.Site().Renumber())
		if callee.reaches(socket, before) {
			t.Error("the old address still leads here")
		}
		after := socket.call(callee)
		if after.Addr() == before.Addr() {
			t.Errorf("the address is still %v", after)
		}
		if callee.reaches(socket, netip.AddrPortFrom(before.Addr(), after.Port())) ||
			!callee.reaches(socket, after) {
			t.Error("the address has not moved")
		}
		if callee.host.Site().Renumber() == nil {
			t.Error("a public host has no router to renumber")
		}
	})
}

// However many flows there are, a NAT remembers a bounded number, and has ports again
// once the old ones are forgotten.
func TestManyFlows(t *testing.T) {
	now := time.Now()
	for _, perCallee := range []bool{false, true} {
		n := newNAT(netip.MustParseAddr("45.0.1.1"), rand.New(rand.NewPCG(1, 1)))
		n.perCallee = perCallee
		host := netip.MustParseAddr("192.168.1.2")
		out := func(i int) bool {
			callee := netip.AddrFrom4([4]byte{45, byte(i >> 16), byte(i >> 8), byte(i)})
			_, ok := n.out(netip.AddrPortFrom(host, 4433), netip.AddrPortFrom(callee, 4433), now)
			return ok
		}
		for i := range 2 * maxFlows {
			out(i)
		}
		if len(n.flows.last) != maxFlows || len(n.ports) > maxFlows ||
			len(n.ports) != len(n.mapping) {
			t.Errorf("remembers %d flows and %d ports", len(n.flows.last), len(n.ports))
		}
		if out(1 << 20) {
			t.Error("lets out more flows than it remembers")
		}
		now = now.Add(forgetAfter + time.Second)
		if !out(1<<20) || len(n.flows.last) != 1 || len(n.ports) != 1 {
			t.Errorf("remembers %d flows and %d ports, though all but one are forgotten",
				len(n.flows.last), len(n.ports))
		}
		if _, ok := n.in(netip.AddrPortFrom(n.outside, 4433),
			netip.MustParseAddrPort("45.16.0.0:4433"), now); !ok && !perCallee {
			t.Error("forgot who has just called")
		}
	}
}
