//go:build linux

package natlab

import (
	"fmt"
	"net/netip"
)

// build makes a site.
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
	return fmt.Errorf("%v: there is no such kind of network", s.Kind)
}

// buildPublic gives each host a line of its own.
func (l *Lab) buildPublic(hosts []string, link Link) error {
	for _, name := range hosts {
		m, err := l.newMachine(name)
		if err != nil {
			return err
		}
		line, err := l.connect(m, link, Public)
		if err != nil {
			return err
		}
		l.hosts[name] = newHost(m, Public, line.line, line.addrs)
	}
	return nil
}

// connection is what a provider gives its customer.
type connection struct {
	*line
	addrs []netip.Addr
}

// connect gives a machine a line to the internet, and the first of the line's addresses
// in each family that the kind has.
func (l *Lab) connect(m *machine, link Link, kind Kind) (connection, error) {
	number := len(l.internet.lines) + 1
	if number > maxLines {
		return connection{}, fmt.Errorf("more than %d lines", maxLines)
	}
	tun, err := m.openTUN(uplink)
	if err != nil {
		return connection{}, err
	}
	given := prefixes(number)
	c := connection{line: l.internet.add(tun, link, given...)}
	for _, prefix := range given[:families(kind)] {
		at := nth(prefix, 1).Addr()
		c.addrs = append(c.addrs, at)
		if err := m.address(netip.PrefixFrom(at, at.BitLen()), netip.Addr{}); err != nil {
			return connection{}, err
		}
	}
	return c, nil
}
