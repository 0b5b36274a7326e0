//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// buildHome builds a router with a line, and the hosts behind it.
func (l *Lab) buildHome(kind Kind, hosts []string, link Link) error {
	router, err := l.newRouter("r-" + hosts[0])
	if err != nil {
		return err
	}
	line, addrs, err := l.connect(router.machine, link, kind)
	if err != nil {
		return err
	}
	router.Addr, router.bits = addrs[0], addrs[0].BitLen()
	return l.addHosts(kind, line, lan(line.number)[:families(kind)], hosts, router)
}

// buildCarrier builds a router with a line, and behind it a home for each host.
func (l *Lab) buildCarrier(hosts []string, link Link) error {
	carrier, err := l.newRouter("carrier-" + hosts[0])
	if err != nil {
		return err
	}
	line, addrs, err := l.connect(carrier.machine, link, CGN)
	if err != nil {
		return err
	}
	carrier.Addr, carrier.bits = addrs[0], addrs[0].BitLen()
	if err := carrier.serve(CGN, []netip.Prefix{access}); err != nil {
		return err
	}
	for i, name := range hosts {
		home, err := l.newRouter("r-" + name)
		if err != nil {
			return err
		}
		at := nth(access, 16*(i+1)) // room for Renumber
		home.Addr, home.bits = at.Addr(), at.Bits()
		if err := carrier.plug(home.machine, at); err != nil {
			return err
		}
		if err := l.addHosts(CGN, line, lan(i + 1)[:1], []string{name}, home,
			carrier); err != nil {
			return err
		}
	}
	return nil
}

// addHosts builds hosts behind the first of the routers, which has an uplink.
func (l *Lab) addHosts(kind Kind, line *line, nets []netip.Prefix, hosts []string,
	routers ...*Router) error {
	if err := routers[0].serve(kind, nets); err != nil {
		return err
	}
	for i, name := range hosts {
		m, err := l.newMachine(name)
		if err != nil {
			return err
		}
		var at []netip.Prefix
		var addrs []netip.Addr
		for _, net := range nets {
			at = append(at, nth(net, i+2))
			addrs = append(addrs, nth(net, i+2).Addr())
		}
		if err := routers[0].plug(m, at...); err != nil {
			return err
		}
		l.hosts[name] = newHost(m, kind, line, addrs, routers...)
	}
	return nil
}

// newRouter builds a router with its own network, and no uplink yet.
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

// serve gives the router the first address of its networks, and the firewall of its kind.
func (r *Router) serve(kind Kind, nets []netip.Prefix) error {
	for _, net := range nets {
		if err := r.namespace.ip(addAddr(nth(net, 1), lanBridge)); err != nil {
			return err
		}
	}
	return r.namespace.nft(firewall{kind, uplink, nth(nets[0], 2).Addr()}.script())
}

// plug connects a machine's uplink to the router's network.
func (r *Router) plug(m *machine, at ...netip.Prefix) error {
	r.ports++
	port := fmt.Sprintf("port%d", r.ports)
	err := r.namespace.ip(
		fmt.Sprintf("link add %s type veth peer name %s netns %s", port, uplink, m.namespace),
		fmt.Sprintf("link set %s master %s up", port, lanBridge),
	)
	for _, prefix := range at {
		gateway := nth(prefix.Masked(), 1).Addr()
		if err == nil {
			err = m.setAddress(prefix, gateway)
		}
		if err == nil {
			err = r.namespace.await(gateway) // IPv6 works only once the bridge has a port
		}
	}
	return err
}
