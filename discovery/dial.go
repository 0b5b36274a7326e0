package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
)

// dial connects to a peer at its IP addresses and those of the cache at once, and at the
// addresses behind DNS names as they are resolved. libp2p would dial nothing until every
// name is resolved or has failed.
func (b *bootstrap) dial(ctx context.Context, info peer.AddrInfo) error {
	if b.host.Network().Connectedness(info.ID) == network.Connected {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var names, addrs []ma.Multiaddr
	for _, addr := range slices.Concat(b.cache.addrs(info.ID), info.Addrs) {
		if madns.Matches(addr) {
			names = append(names, addr)
		} else {
			addrs = append(addrs, addr)
		}
	}

	results := make(chan error, 1+len(names))
	dials := 0
	dial := func(resolve func() ([]ma.Multiaddr, error)) {
		dials++
		if !b.tasks.Go(func() {
			addrs, err := resolve()
			if err == nil {
				err = b.host.Connect(ctx, peer.AddrInfo{ID: info.ID, Addrs: addrs})
			}
			results <- err
		}) {
			results <- context.Canceled
		}
	}
	if len(addrs) > 0 {
		dial(func() ([]ma.Multiaddr, error) { return addrs, nil })
	}
	for _, name := range names {
		dial(func() ([]ma.Multiaddr, error) { return b.resolveFor(ctx, name, info.ID) })
	}
	var errs []error
	for range dials {
		err := <-results
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// resolveFor returns the addresses behind a DNS name that may be those of a peer.
func (b *bootstrap) resolveFor(ctx context.Context, name ma.Multiaddr,
	id peer.ID) ([]ma.Multiaddr, error) {
	resolved, err := b.resolve(ctx, name)
	var addrs []ma.Multiaddr
	for _, full := range resolved {
		if addr, owner := peer.SplitAddr(full); addr != nil && (owner == "" || owner == id) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no address", name), err)
	}
	return addrs, nil
}
