//go:build linux

package natlab

import "net/netip"

// Host is a machine that programs run on.
type Host struct {
	*machine
	// Kind is that of its site.
	Kind Kind
	// Addr is its IPv4 address, a public one only at a Public site.
	Addr netip.Addr
	// Addr6 is its public IPv6 address, or the zero Addr.
	Addr6 netip.Addr
	// Routers are those between the host and the internet, the nearest first. The last
	// one has the public address.
	Routers []*Router

	line *line
}

func newHost(m *machine, kind Kind, line *line, addrs []netip.Addr, routers ...*Router) *Host {
	h := &Host{machine: m, Kind: kind, Addr: addrs[0], Routers: routers, line: line}
	if len(addrs) > 1 {
		h.Addr6 = addrs[1]
	}
	return h
}

// Flush makes all routers of the host forget all connections, as if they had been
// switched off and on.
func (h *Host) Flush() error {
	for _, r := range h.Routers {
		if err := r.Flush(); err != nil {
			return err
		}
	}
	return nil
}
