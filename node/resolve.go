package node

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// lookupWait bounds what the DNS may take for one place.
	lookupWait = 5 * time.Second
	// publishedWait is how long an answer to the main question waits for the other one.
	publishedWait = time.Second
	// maxLookups bounds how many questions a multiaddr is worth, and maxTargets how many
	// addresses a place has.
	maxLookups = 16
	maxTargets = 16
)

// Resolver asks the DNS. A *net.Resolver is one.
type Resolver interface {
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// newDNS makes libp2p's resolver of ours, which is the system's if nil.
func newDNS(r Resolver) (*madns.Resolver, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	return madns.NewResolver(madns.WithDefaultResolver(r))
}

// target is an address to dial, and who is said to be there, if anybody.
type target struct {
	addr  ma.Multiaddr
	peer  peer.ID
	pause time.Duration // before it is dialled
}

// resolve returns the addresses of a place, and asks the DNS where it has a name. Its
// errors go behind the place's name.
func (n *Node) resolve(ctx context.Context, s *spot) ([]target, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	addrs := s.known
	var err error
	switch {
	case s.name != "":
		addrs, err = n.lookUpHost(ctx, s)
	case madns.Matches(addrs[0]):
		addrs, err = n.lookUp(ctx, addrs[0])
	}
	var targets []target
	for _, whole := range addrs {
		addr, id := peer.SplitAddr(whole)
		if addr == nil || len(targets) == maxTargets || s.peer != "" && id != "" && id != s.peer {
			continue
		}
		n.gater.Allow(addr)
		targets = append(targets, target{addr: addr, peer: cmp.Or(id, s.peer)})
	}
	if len(targets) == 0 {
		return nil, noAddress(err)
	}
	return targets, nil
}

// lookUpHost asks for the IP addresses of a host, and unless a port was named for what
// its owner published as multiaddrs, in TXT records at _dnsaddr.NAME.
func (n *Node) lookUpHost(ctx context.Context, s *spot) ([]ma.Multiaddr, error) {
	var group sync.WaitGroup
	var addrs []ma.Multiaddr
	asking, enough := context.WithCancel(ctx)
	defer enough()
	if name, err := ma.NewComponent("dnsaddr", s.name); err == nil && s.every {
		group.Go(func() { addrs, _ = n.lookUp(asking, name.Multiaddr()) }) // few have any
	}
	records, err := n.dns.LookupIPAddr(ctx, s.name)
	if len(records) > 0 {
		defer time.AfterFunc(publishedWait, enough).Stop()
	}
	group.Wait()
	for _, record := range records {
		if ip, ok := netip.AddrFromSlice(record.IP); ok {
			if both, err := maddrs.QUICAndTCP(ip, s.port); err == nil {
				addrs = append(addrs, both...)
			}
		}
	}
	return addrs, err
}

// lookUp replaces the names in a multiaddr, and those in the answers. Answers are a
// stranger's, and may lead from name to name without end.
func (n *Node) lookUp(ctx context.Context, addr ma.Multiaddr) (found []ma.Multiaddr, err error) {
	names := []ma.Multiaddr{addr}
	for range maxLookups {
		answers, failed := n.dns.Resolve(ctx, names[0])
		if err == nil {
			err = failed
		}
		names = names[1:]
		for _, answer := range answers {
			if madns.Matches(answer) {
				names = append(names, answer)
			} else {
				found = append(found, answer)
			}
		}
		if len(names) == 0 || len(found) >= maxTargets {
			return found, err
		}
	}
	return found, errors.New("its names lead to ever more names")
}

// noAddress says in a line what the DNS said.
func noAddress(err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dns) && dns.IsTimeout:
		return errors.New("has no address: the DNS does not answer")
	case dns != nil:
		return errors.New("has no address in the DNS: " + dns.Err)
	case err != nil:
		return errors.New("has no address: " + err.Error())
	}
	return errors.New("has no address in the DNS")
}
