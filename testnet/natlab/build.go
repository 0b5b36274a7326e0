//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// build builds a site.
func (l *Lab) build(s Site) error {
	link := l.link
	if s.Link != nil {
		link = *s.Link
	}
	switch s.Kind {
	case Public:
		return l.buildPublic(s.Hosts, link)
	case CGN:
		return l.buildCarrier(s.Hosts, link)
	case EIM, Symmetric, Cone, TCPOnly, V6, V6Firewall:
		return l.buildHome(s.Kind, s.Hosts, link)
	}
	return fmt.Errorf("unknown kind of network: %v", s.Kind)
}

// buildPublic gives each host its own link.
func (l *Lab) buildPublic(hosts []string, link Link) error {
	for _, name := range hosts {
		m, err := l.newMachine(name)
		if err != nil {
			return err
		}
		line, addrs, err := l.connect(m, link, Public)
		if err != nil {
			return err
		}
		l.hosts[name] = newHost(m, Public, line, addrs)
	}
	return nil
}

// connect gives a machine a line to the internet, and the line's first address of each
// family that the kind has.
func (l *Lab) connect(m *machine, link Link, kind Kind) (*line, []netip.Addr, error) {
	number := len(l.internet.lines) + 1
	if number > maxLines {
		return nil, nil, fmt.Errorf("more than %d lines", maxLines)
	}
	tun, err := m.openTUN(uplink)
	if err != nil {
		return nil, nil, err
	}
	var addrs []netip.Addr
	nets := prefixes(number)
	for _, prefix := range nets[:families(kind)] {
		at := nth(prefix, 1).Addr()
		addrs = append(addrs, at)
		if err := m.setAddress(netip.PrefixFrom(at, at.BitLen()), netip.Addr{}); err != nil {
			tun.Close()
			return nil, nil, err
		}
	}
	return l.internet.add(tun, link, nets...), addrs, nil
}
