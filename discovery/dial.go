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

// connect connects to a peer where it was reached before and at its IP addresses, and at
// those behind its names as soon as they are known. libp2p would dial nothing until it
// has an answer for each name, or has given up on it.
func (f *Finder) connect(ctx context.Context, info peer.AddrInfo) error {
	if f.host.Network().Connectedness(info.ID) == network.Connected {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	known := slices.Concat(f.cache.get(info.ID), info.Addrs)
	names := slices.Clone(known)
	known = slices.DeleteFunc(known, madns.Matches)
	names = slices.DeleteFunc(names, func(addr ma.Multiaddr) bool { return !madns.Matches(addr) })

	ends := make(chan error, 1+len(names))
	ways := 0
	try := func(at func() ([]ma.Multiaddr, error)) {
		ways++
		if !f.tasks.Go(func() {
			addrs, err := at()
			if err == nil {
				err = f.host.Connect(ctx, peer.AddrInfo{ID: info.ID, Addrs: addrs})
			}
			ends <- err
		}) {
			ends <- context.Canceled
		}
	}
	if len(known) > 0 {
		try(func() ([]ma.Multiaddr, error) { return known, nil })
	}
	for _, name := range names {
		try(func() ([]ma.Multiaddr, error) { return f.behind(ctx, name, info.ID) })
	}
	var errs []error
	for range ways {
		err := <-ends
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// behind are the addresses of a peer behind one with a name.
func (f *Finder) behind(ctx context.Context, name ma.Multiaddr,
	id peer.ID) ([]ma.Multiaddr, error) {
	found, err := f.resolve(ctx, name)
	var addrs []ma.Multiaddr
	for _, whole := range found {
		if addr, named := peer.SplitAddr(whole); addr != nil && (named == "" || named == id) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no address", name), err)
	}
	return addrs, nil
}
