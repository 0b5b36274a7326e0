package internet

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	// forgetAfter is how long a NAT remembers a flow over which nothing passes.
	forgetAfter = 2 * time.Minute
	// maxFlows bounds the flows that a NAT or a firewall remembers.
	maxFlows = 1 << 14
	// firstPort is the lowest that a NAT gives out of its own accord.
	firstPort = 1024
)

// flow is what a host sends to one address and port, and what comes back.
type flow struct{ inside, callee netip.AddrPort }

// flows are those that are remembered.
type flows struct {
	last  map[flow]time.Time // when something passed
	swept time.Time          // when the old ones were removed
}

func newFlows() flows { return flows{last: map[flow]time.Time{}} }

// note remembers a flow, if there is room.
func (f *flows) note(which flow, now time.Time) bool {
	if _, known := f.last[which]; !known && len(f.last) == maxFlows {
		return false
	}
	f.last[which] = now
	return true
}

// knows says whether the flow is remembered, and goes on to.
func (f *flows) knows(which flow, now time.Time) bool {
	last, known := f.last[which]
	if !known || now.Sub(last) > forgetAfter {
		return false
	}
	f.last[which] = now
	return true
}

// sweep removes the flows that are forgotten, if that was not done lately, and says
// whether it was done now.
func (f *flows) sweep(now time.Time) bool {
	if now.Sub(f.swept) < forgetAfter/4 {
		return false
	}
	f.swept = now
	maps.DeleteFunc(f.last, func(_ flow, last time.Time) bool {
		return now.Sub(last) > forgetAfter
	})
	return true
}

// nat translates between a network and one address outside. It keeps a port if it can,
// and lets in only what comes from an address and port that was called. Its site's lock
// guards it.
type nat struct {
	outside netip.Addr
	// perCallee gives a host another random port for each address and port that it calls,
	// and not one for all.
	perCallee bool
	// first gets what nobody asked for, if it is valid.
	first netip.Addr
	// owner is the one host behind a subscriber's NAT.
	owner *Host

	rand   *rand.Rand
	flows  flows
	ports  map[flow]uint16 // the flow has no callee unless perCallee
	behind map[uint16]flow // the other way round
}

func newNAT(outside netip.Addr, rand *rand.Rand) *nat {
	n := &nat{rand: rand}
	n.move(outside)
	return n
}

// move gives the NAT another address; it forgets everything.
func (n *nat) move(outside netip.Addr) {
	n.outside = outside
	n.flows, n.ports, n.behind = newFlows(), map[flow]uint16{}, map[uint16]flow{}
}

// out says what a packet comes from, as seen from outside.
func (n *nat) out(from, to netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	n.forget(now)
	if !n.flows.note(flow{from, to}, now) {
		return netip.AddrPort{}, false
	}
	port, ok := n.port(n.holder(from, to))
	return netip.AddrPortFrom(n.outside, port), ok
}

// in says whom a packet is for.
func (n *nat) in(to, from netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	if holder, ok := n.behind[to.Port()]; ok {
		if n.flows.knows(flow{holder.inside, from}, now) &&
			(holder.callee == from || !n.perCallee) {
			return holder.inside, true
		}
	}
	return netip.AddrPortFrom(n.first, to.Port()), n.first.IsValid()
}

// holder is what has a port.
func (n *nat) holder(from, to netip.AddrPort) flow {
	if n.perCallee {
		return flow{from, to}
	}
	return flow{inside: from}
}

// port is the one outside that a holder has, or gets.
func (n *nat) port(holder flow) (uint16, bool) {
	if port, ok := n.ports[holder]; ok {
		return port, true
	}
	port := holder.inside.Port()
	for try := 0; ; try++ {
		if _, taken := n.behind[port]; !taken && (try > 0 || !n.perCallee) {
			break
		}
		if try == 64 {
			return 0, false
		}
		port = uint16(firstPort + n.rand.IntN(1<<16-firstPort))
	}
	n.ports[holder], n.behind[port] = port, holder
	return port, true
}

// forget gives back the ports over which nothing has passed for long.
func (n *nat) forget(now time.Time) {
	if !n.flows.sweep(now) {
		return
	}
	alive := map[flow]bool{}
	for f := range n.flows.last {
		alive[n.holder(f.inside, f.callee)] = true
	}
	for holder, port := range n.ports {
		if !alive[holder] {
			delete(n.ports, holder)
			delete(n.behind, port)
		}
	}
}

// wall is a firewall without translation: it lets in what comes from an address and port
// that was called.
type wall struct{ flows flows }

func newWall() *wall { return &wall{newFlows()} }

func (w *wall) out(from, to netip.AddrPort, now time.Time) bool {
	w.flows.sweep(now)
	return w.flows.note(flow{from, to}, now)
}

func (w *wall) in(to, from netip.AddrPort, now time.Time) bool {
	return w.flows.knows(flow{to, from}, now)
}
