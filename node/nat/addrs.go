package nat

import (
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

// addrs is what is known about the addresses of this machine.
type addrs struct {
	relayed   atomic.Pointer[[]ma.Multiaddr] // at relays
	confirmed atomic.Pointer[[]ma.Multiaddr] // by probes
	own       atomic.Pointer[[]netip.Addr]   // of interfaces
	outside4  atomic.Pointer[netip.AddrPort] // where we are seen in IPv4, if we had to ask
}

// SetRelayed sets our addresses at relays. They are published from now on.
func (m *Monitor) SetRelayed(addrs []ma.Multiaddr) { m.addrs.relayed.Store(&addrs) }

// published returns the addresses that peers are told. It adds those at relays to libp2p's
// list. libp2p would leave them out as soon as one address is confirmed, though few peers
// may be able to use that one, such as IPv6 or QUIC alone. As long as there are relays it
// leaves out the addresses that peers merely see us at: most NATs let nobody in there, and a
// peer that dials such an address first waits in vain for an answer.
func (m *Monitor) published(addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = m.current(addrs)
	relayed := m.addrs.relayed.Load()
	if relayed == nil || len(*relayed) == 0 {
		return addrs
	}
	var confirmed []ma.Multiaddr
	if known := m.addrs.confirmed.Load(); known != nil {
		confirmed = *known
	}
	own := m.own()
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return maddrs.IsPublic(addr) && !slices.Contains(own, ip) && !ma.Contains(confirmed, addr)
	})
	return ma.Unique(append(addrs, *relayed...))
}

// current replaces the addresses of our interfaces, which libp2p reads once a minute, by
// the present ones.
func (m *Monitor) current(addrs []ma.Multiaddr) []ma.Multiaddr {
	own := m.own()
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return ip.IsValid() && manet.IsPrivateAddr(addr) && !slices.Contains(own, ip)
	})
	for _, ip := range own {
		listening := slices.ContainsFunc(m.cfg.Listen, func(l netip.Addr) bool {
			return l.IsUnspecified() && l.Is4() == ip.Is4()
		})
		if !listening || ip.IsLinkLocalUnicast() || ip.IsLoopback() {
			continue
		}
		if both, err := maddrs.QUICAndTCP(ip, m.cfg.Port); err == nil {
			addrs = append(addrs, both...)
		}
	}
	return ma.Unique(addrs)
}

// own returns the IP addresses of this machine that we listen on.
func (m *Monitor) own() []netip.Addr {
	if m == nil {
		return nil
	}
	if known := m.addrs.own.Load(); known != nil {
		return *known
	}
	m.Moving()
	return *m.addrs.own.Load()
}

// look asks the system for them.
func (m *Monitor) look() []netip.Addr {
	own := slices.DeleteFunc(slices.Clone(m.cfg.Listen), netip.Addr.IsUnspecified)
	if len(own) > 0 {
		return own
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own
}

// listens reports whether we listen on an address of this machine.
func (m *Monitor) listens(ip netip.Addr) bool {
	return slices.ContainsFunc(m.cfg.Listen, func(l netip.Addr) bool {
		return l == ip || l.IsUnspecified() && l.Is4() == ip.Is4()
	})
}
