//go:build linux

package natlab

import "net/netip"

// Host is a host of a site. Programs run on it.
type Host struct {
	*machine
	// Kind is the kind of its site.
	Kind Kind
	// Addr is the IPv4 address. It is public only if Kind is Public.
	Addr netip.Addr
	// Addr6 is the public IPv6 address, or the zero Addr.
	Addr6 netip.Addr
	// Routers are between the host and the internet, the nearest first. The last one has
	// the public address.
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

// Flush makes all routers of the host forget their connections, as after a reboot.
func (h *Host) Flush() error {
	for _, r := range h.Routers {
		if err := r.Flush(); err != nil {
			return err
		}
	}
	return nil
}
