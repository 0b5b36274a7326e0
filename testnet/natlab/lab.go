//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"sync"
)

// Config configures a Lab. The zero Config has links without delay.
type Config struct {
	// Prefix is part of the names of the lab's namespaces: a-z, 0-9 and '-'. If empty, it
	// is unique.
	Prefix string
	// Link is for every site that has none of its own.
	Link Link
}

// Lab is an internet and the sites that are connected to it.
type Lab struct {
	claim    *claim
	internet *internet
	link     Link
	machines []*machine
	hosts    map[string]*Host
	close    func() error
}

// New builds a lab; the caller closes it. It first removes the labs of processes that
// crashed, and kills the programs in them. If New fails, nothing is left behind.
func New(cfg Config, sites ...Site) (_ *Lab, err error) {
	lab := &Lab{
		link:     cfg.Link,
		internet: newInternet(),
		hosts:    map[string]*Host{},
	}
	lab.close = sync.OnceValue(lab.tearDown)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("natlab: %w", err), lab.Close())
		}
	}()
	if lab.claim, err = newClaim(cfg.Prefix); err != nil {
		return nil, err
	}
	if err := sweep(); err != nil {
		return nil, err
	}
	for _, site := range sites {
		if err := lab.build(site); err != nil {
			return nil, err
		}
	}
	lab.internet.run()
	return lab, nil
}

// Host returns a host by the name in its Site. It panics if there is none.
func (l *Lab) Host(name string) *Host {
	host, ok := l.hosts[name]
	if !ok {
		panic("natlab: no host is called " + name)
	}
	return host
}

// Partition drops all packets between hosts of different groups. Hosts in no group form one
// more. Hosts of one site stay together, unless it is Public. heal ends this partition; other
// partitions and cuts stay. Packets on their way may still arrive.
func (l *Lab) Partition(groups ...[]*Host) (heal func()) {
	lines := make([][]int, len(groups))
	for i, group := range groups {
		for _, h := range group {
			lines[i] = append(lines[i], h.line.number)
		}
	}
	return l.internet.cuts.Partition(lines...)
}

// Cut drops all packets between the sites of two hosts, or between the hosts if their sites
// are Public. heal ends this cut.
func (l *Lab) Cut(a, b *Host) (heal func()) {
	return l.internet.cuts.Cut(a.line.number, b.line.number)
}

// Heal ends all partitions and cuts.
func (l *Lab) Heal() { l.internet.cuts.Heal() }

// SetLink changes the link of a host's site, or of the host if its site is Public, for
// future packets.
func (l *Lab) SetLink(h *Host, link Link) { h.line.set(link) }

// Close kills the programs in the lab and removes it. The caller still has to wait for the
// commands that it started.
func (l *Lab) Close() error { return l.close() }

func (l *Lab) tearDown() error {
	var errs []error
	for _, m := range l.machines {
		errs = append(errs, m.Kill())
	}
	l.internet.close()
	for _, m := range l.machines {
		errs = append(errs, m.namespace.remove())
	}
	if l.claim != nil {
		errs = append(errs, l.claim.release())
	}
	return errors.Join(errs...)
}
