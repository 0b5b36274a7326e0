//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"sync"
)

// Config says how a lab is. The zero Config has lines without delay.
type Config struct {
	// Prefix tells labs that exist at one time apart: a-z, 0-9 and '-'. If empty, one
	// that no other has.
	Prefix string
	// Link is the line of every site that has none of its own.
	Link Link
}

// Lab is an internet and all that is connected to it.
type Lab struct {
	claim    *claim
	internet *internet
	link     Link
	machines []*machine
	hosts    map[string]*Host
	close    func() error
}

// New builds a lab. What a lab of a process that crashed has left behind is removed
// first, with the programs in it. An error leaves nothing behind. Close takes the lab
// down.
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

// Host returns a host by the name that its Site gave it. It panics when there is none.
func (l *Lab) Host(name string) *Host {
	host, ok := l.hosts[name]
	if !ok {
		panic("natlab: no host is called " + name)
	}
	return host
}

// Partition lets packets pass between hosts of one group alone. Those that are in none
// are a group of their own. What was parted before is so still, until heal undoes it;
// packets that are under way may still arrive. Hosts of one site, unless it is Public,
// share a line, and stay together.
func (l *Lab) Partition(groups ...[]*Host) (heal func()) {
	lines := make([][]int, len(groups))
	for i, group := range groups {
		for _, h := range group {
			lines[i] = append(lines[i], h.line.number)
		}
	}
	return l.internet.rifts.Partition(lines...)
}

// Cut lets no packets pass between two hosts, nor those who share a line with them, until
// heal undoes it.
func (l *Lab) Cut(a, b *Host) (heal func()) {
	return l.internet.rifts.Cut(a.line.number, b.line.number)
}

// Heal undoes all that Partition and Cut have done.
func (l *Lab) Heal() { l.internet.rifts.Heal() }

// SetLink changes the line of a host's site, or of the host itself at a Public one, for
// packets to come.
func (l *Lab) SetLink(h *Host, link Link) { h.line.set(link) }

// Close kills the programs that still run in the lab and removes it, whole. Whoever
// started a program still waits for it.
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
