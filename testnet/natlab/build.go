//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// build makes a site, or as many as it has hosts if they are public: every one of those has its own line.
func (l *Lab) build(s Site) error {
	link := l.link
	if s.Link != nil {
		link = *s.Link
	}
	switch s.Kind {
	case Public:
		for _, name := range s.Hosts {
			if err := l.buildPublic(name, link); err != nil {
				return err
			}
		}
		return nil
	case CGN:
		return l.buildCarrier(s.Hosts, link)
	case EIM, Symmetric, Cone, TCPOnly, V6, V6Firewall:
		return l.buildHome(s.Kind, s.Hosts, link)
	}
	return fmt.Errorf("%v: there is no such kind of network", s.Kind)
}

func (l *Lab) buildPublic(name string, link Link) error {
	m, err := l.newMachine(name)
	if err != nil {
		return err
	}
	host := &Host{machine: m, Kind: Public}
	l.hosts[name] = host
	host.Addr, host.Addr6, err = l.connect(m, link, true)
	return err
}

func (l *Lab) buildHome(kind Kind, hosts []string, link Link) error {
	router, err := l.newRouter("r-" + hosts[0])
	if err != nil {
		return err
	}
	router.bits = 32
	if router.Addr, _, err = l.connect(router.machine, link, kind.hasV6()); err != nil {
		return err
	}
	return l.furnish(router, kind, l.lines, hosts)
}

// furnish makes a router with an uplink a home of a kind, with its number and its hosts.
func (l *Lab) furnish(r *Router, kind Kind, number int, hosts []string, beyond ...*Router) error {
	v4, v6 := lan(number)
	lines := []string{fmt.Sprintf("addr add %s dev %s", nth(v4, 1), lanBridge)}
	if kind.hasV6() {
		lines = append(lines, fmt.Sprintf("addr add %s dev %s nodad", nth(v6, 1), lanBridge))
	}
	if err := r.namespace.ip(lines...); err != nil {
		return err
	}
	if err := r.namespace.nft(firewall{kind, uplink, nth(v4, 2).Addr()}.script()); err != nil {
		return err
	}
	for i, name := range hosts {
		m, err := l.newMachine(name)
		if err != nil {
			return err
		}
		host := &Host{machine: m, Kind: kind, Addr: nth(v4, i+2).Addr(), Routers: append([]*Router{r}, beyond...)}
		l.hosts[name] = host
		if err := r.plug(m); err != nil {
			return err
		}
		if err := m.address(nth(v4, i+2), nth(v4, 1).Addr()); err != nil {
			return err
		}
		if kind.hasV6() {
			host.Addr6 = nth(v6, i+2).Addr()
			if err := m.address(nth(v6, i+2), nth(v6, 1).Addr()); err != nil {
				return err
			}
			if err := r.namespace.await(nth(v6, 1).Addr()); err != nil {
				return err
			}
		}
	}
	return nil
}

// buildCarrier makes a carrier's router, and behind it a home for each host.
func (l *Lab) buildCarrier(hosts []string, link Link) error {
	carrier, err := l.newRouter("carrier-" + hosts[0])
	if err != nil {
		return err
	}
	carrier.bits = 32
	if carrier.Addr, _, err = l.connect(carrier.machine, link, false); err != nil {
		return err
	}
	if err := carrier.namespace.ip(fmt.Sprintf("addr add %s dev %s", nth(access, 1), lanBridge)); err != nil {
		return err
	}
	if err := carrier.namespace.nft(firewall{Kind: CGN, Up: uplink}.script()); err != nil {
		return err
	}
	for i, name := range hosts {
		home, err := l.newRouter("r-" + name)
		if err != nil {
			return err
		}
		at := nth(access, 16*(i+1))
		home.Addr, home.bits = at.Addr(), at.Bits()
		if err := carrier.plug(home.machine); err != nil {
			return err
		}
		if err := home.address(at, nth(access, 1).Addr()); err != nil {
			return err
		}
		if err := l.furnish(home, CGN, i+1, []string{name}, carrier); err != nil {
			return err
		}
	}
	return nil
}

// newRouter makes a router with a network of its own, and no uplink yet.
func (l *Lab) newRouter(name string) (*Router, error) {
	m, err := l.newMachine(name)
	if err != nil {
		return nil, err
	}
	if err := m.namespace.sysctl("ipv4/ip_forward=1", "ipv6/conf/all/forwarding=1"); err != nil {
		return nil, err
	}
	return &Router{machine: m}, m.namespace.ip(
		fmt.Sprintf("link add %s type bridge mcast_snooping 0", lanBridge),
		fmt.Sprintf("link set %s up", lanBridge),
	)
}

// plug connects the uplink of a machine to the router's network.
func (r *Router) plug(m *machine) error {
	r.ports++
	port := fmt.Sprintf("port%d", r.ports)
	return r.namespace.ip(
		fmt.Sprintf("link add %s type veth peer name %s netns %s", port, uplink, m.namespace),
		fmt.Sprintf("link set %s master %s up", port, lanBridge),
	)
}

// connect gives a machine a line to the internet, and the first address of the line's.
func (l *Lab) connect(m *machine, link Link, v6 bool) (addr, addr6 netip.Addr, err error) {
	if l.lines == maxLines {
		return addr, addr6, fmt.Errorf("more than %d lines", maxLines)
	}
	l.lines++
	p4, p6 := prefixes(l.lines)
	tun, err := m.openTUN(uplink)
	if err != nil {
		return addr, addr6, err
	}
	l.internet.add(tun, link, p4, p6)
	addr = nth(p4, 1).Addr()
	if err := m.address(single(nth(p4, 1)), netip.Addr{}); err != nil || !v6 {
		return addr, addr6, err
	}
	addr6 = nth(p6, 1).Addr()
	return addr, addr6, m.address(single(nth(p6, 1)), netip.Addr{})
}
