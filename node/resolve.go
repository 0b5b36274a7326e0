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
	// lookupWait bounds the DNS lookups for one target.
	lookupWait = 5 * time.Second
	// publishedWait is how long the addresses of a host wait for published multiaddrs.
	publishedWait = time.Second
	// maxLookups bounds the lookups for one multiaddr, and maxEndpoints the addresses of one
	// target.
	maxLookups   = 16
	maxEndpoints = 16
)

// Resolver looks names up in the DNS. A *net.Resolver is one.
type Resolver interface {
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// newDNS wraps a resolver for libp2p. If r is nil, it is the system's.
func newDNS(r Resolver) (*madns.Resolver, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	return madns.NewResolver(madns.WithDefaultResolver(r))
}

// endpoint is an address to dial, and the peer that is said to be there, or "".
type endpoint struct {
	addr ma.Multiaddr
	peer peer.ID
}

// resolve returns the addresses of a target, and looks names up. Its errors are meant to
// follow the place's name.
func (n *Node) resolve(ctx context.Context, t *target) ([]endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	addrs := t.known
	var err error
	switch {
	case t.name != "":
		addrs, err = n.lookUpHost(ctx, t)
	case madns.Matches(addrs[0]):
		addrs, err = n.lookUp(ctx, addrs[0])
	}
	var endpoints []endpoint
	for _, whole := range addrs {
		addr, id := peer.SplitAddr(whole)
		if addr == nil || len(endpoints) == maxEndpoints ||
			t.peer != "" && id != "" && id != t.peer {
			continue
		}
		n.gater.Allow(addr)
		endpoints = append(endpoints, endpoint{addr: addr, peer: cmp.Or(id, t.peer)})
	}
	if len(endpoints) == 0 {
		return nil, noAddress(err)
	}
	return endpoints, nil
}

// lookUpHost looks up the IP addresses of a host and, unless a port was named, the
// multiaddrs that its owner has published in TXT records at _dnsaddr.NAME.
func (n *Node) lookUpHost(ctx context.Context, t *target) ([]ma.Multiaddr, error) {
	var group sync.WaitGroup
	var addrs []ma.Multiaddr
	asking, enough := context.WithCancel(ctx)
	defer enough()
	if name, err := ma.NewComponent("dnsaddr", t.name); err == nil && t.every {
		group.Go(func() { addrs, _ = n.lookUp(asking, name.Multiaddr()) }) // few hosts have any
	}
	records, err := n.dns.LookupIPAddr(ctx, t.name)
	if len(records) > 0 {
		defer time.AfterFunc(publishedWait, enough).Stop()
	}
	group.Wait()
	for _, record := range records {
		if ip, ok := netip.AddrFromSlice(record.IP); ok {
			if both, err := maddrs.QUICAndTCP(ip, t.port); err == nil {
				addrs = append(addrs, both...)
			}
		}
	}
	return addrs, err
}

// lookUp replaces the names in a multiaddr, and those in the answers. It bounds the number
// of lookups, since a stranger's answers may lead from name to name without end.
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
		if len(names) == 0 || len(found) >= maxEndpoints {
			return found, err
		}
	}
	return found, errors.New("its names lead to too many other names")
}

// noAddress puts the error of the DNS into one line.
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
