package internet

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	// forgetAfter is how long a NAT or a firewall remembers an idle flow.
	forgetAfter = 2 * time.Minute
	// maxFlows is how many flows a NAT or a firewall remembers.
	maxFlows = 1 << 14
	// firstPort is the lowest random port that a NAT assigns.
	firstPort = 1024
)

// flow is the packets between an address inside and one outside.
type flow struct{ inside, callee netip.AddrPort }

// flows are the flows that a router remembers.
type flows struct {
	last  map[flow]time.Time // when a packet passed
	swept time.Time          // when old flows were removed
}

func newFlows() flows { return flows{last: map[flow]time.Time{}} }

// add remembers a flow, if there is room.
func (f *flows) add(which flow, now time.Time) bool {
	if _, known := f.last[which]; !known && len(f.last) == maxFlows {
		return false
	}
	f.last[which] = now
	return true
}

// knows reports whether the flow is remembered, and renews it.
func (f *flows) knows(which flow, now time.Time) bool {
	last, known := f.last[which]
	if !known || now.Sub(last) > forgetAfter {
		return false
	}
	f.last[which] = now
	return true
}

// sweep removes old flows from time to time, and reports whether it did.
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

// nat translates between a network and one address outside. It keeps the port if it can,
// and lets packets in only from addresses and ports that were called. Its site's lock
// guards it.
type nat struct {
	outside netip.Addr
	// perCallee assigns a random port for each address and port that a host calls, instead
	// of one port for all.
	perCallee bool
	// first gets the packets of unknown flows, if it is valid.
	first netip.Addr
	// owner is the only host, if this is the router of a carrier's subscriber.
	owner *Host

	rand    *rand.Rand
	flows   flows
	ports   map[flow]uint16 // by mapping: a flow, without a callee unless perCallee
	mapping map[uint16]flow // the reverse
}

func newNAT(outside netip.Addr, rand *rand.Rand) *nat {
	n := &nat{rand: rand}
	n.move(outside)
	return n
}

// move gives the NAT another address. It forgets all flows.
func (n *nat) move(outside netip.Addr) {
	n.outside = outside
	n.flows, n.ports, n.mapping = newFlows(), map[flow]uint16{}, map[uint16]flow{}
}

// out translates the sender of a packet that leaves.
func (n *nat) out(from, to netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	n.removeOld(now)
	if !n.flows.add(flow{from, to}, now) {
		return netip.AddrPort{}, false
	}
	port, ok := n.port(n.key(from, to))
	return netip.AddrPortFrom(n.outside, port), ok
}

// in translates the receiver of a packet that arrives.
func (n *nat) in(to, from netip.AddrPort, now time.Time) (netip.AddrPort, bool) {
	if m, ok := n.mapping[to.Port()]; ok {
		if n.flows.knows(flow{m.inside, from}, now) && (m.callee == from || !n.perCallee) {
			return m.inside, true
		}
	}
	return netip.AddrPortFrom(n.first, to.Port()), n.first.IsValid()
}

// key returns the key of a packet's mapping.
func (n *nat) key(from, to netip.AddrPort) flow {
	if n.perCallee {
		return flow{from, to}
	}
	return flow{inside: from}
}

// port returns the port of a mapping, and assigns one if it has none.
func (n *nat) port(key flow) (uint16, bool) {
	if port, ok := n.ports[key]; ok {
		return port, true
	}
	port := key.inside.Port()
	for try := 0; ; try++ {
		if _, taken := n.mapping[port]; !taken && (try > 0 || !n.perCallee) {
			break
		}
		if try == 64 {
			return 0, false
		}
		port = uint16(firstPort + n.rand.IntN(1<<16-firstPort))
	}
	n.ports[key], n.mapping[port] = port, key
	return port, true
}

// removeOld removes mappings without flows.
func (n *nat) removeOld(now time.Time) {
	if !n.flows.sweep(now) {
		return
	}
	used := map[flow]bool{}
	for f := range n.flows.last {
		used[n.key(f.inside, f.callee)] = true
	}
	for key, port := range n.ports {
		if !used[key] {
			delete(n.ports, key)
			delete(n.mapping, port)
		}
	}
}

// firewall does not translate. It lets packets in from addresses and ports that were called.
type firewall struct{ flows flows }

func (w *firewall) out(from, to netip.AddrPort, now time.Time) bool {
	w.flows.sweep(now)
	return w.flows.add(flow{from, to}, now)
}

func (w *firewall) in(to, from netip.AddrPort, now time.Time) bool {
	return w.flows.knows(flow{to, from}, now)
}
