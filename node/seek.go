package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
)

// The steps of a flight: it dials the addresses at hand and, as they come in, those of
// the places that were given and those that discovery finds.

const (
	// seekWait bounds finding and connecting; a little less than Open, so that it can say
	// what failed.
	seekWait = 6500 * time.Millisecond
	// dialWait bounds the dialling of one address.
	dialWait = 5 * time.Second
	// dialsWait bounds that of a peer's addresses; a little more, so that each can say
	// how it failed.
	dialsWait = dialWait + 500*time.Millisecond
)

// find asks discovery.
func (f *flight) find() {
	err := f.node.finder.Find(discovery.WithTold(f.ctx, f.node.tracer.Found(f.id)), f.id,
		f.found)
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.findErr = err
}

// found takes addresses in; it is called in a step.
func (f *flight) found(addrs []ma.Multiaddr) {
	f.node.host.Peerstore().AddAddrs(f.id, addrs, peerstore.TempAddrTTL)
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.begin(f.dial)
}

// visit resolves a place and dials what comes out.
func (f *flight) visit(s *spot) {
	targets, err := f.node.resolve(f.ctx, s)
	var addrs []ma.Multiaddr
	for _, t := range targets {
		if t.peer == "" || t.peer == f.id {
			addrs = append(addrs, t.addr)
		}
	}
	if err == nil && len(addrs) == 0 {
		err = errors.New("is other peers'")
	}
	f.traceVisit(s, addrs, err)
	f.node.mu.Lock()
	s.addrs, s.err = addrs, err
	f.node.mu.Unlock()
	if len(addrs) > 0 {
		f.found(addrs)
	}
}

// traceVisit emits what a place resolved to. A place that is an address itself is no news.
func (f *flight) traceVisit(s *spot, addrs []ma.Multiaddr, err error) {
	e := trace.Event{Kind: trace.Found, Source: trace.Named, Addresses: maddrs.Strings(addrs)}
	if err != nil {
		e = trace.Event{Kind: trace.Nothing, Source: trace.Named,
			Reason: fmt.Sprintf("%s %v", s.place, err)}
	}
	if err != nil || s.name != "" {
		f.node.tracer.Emit(f.id, e)
	}
}

// dial tries all addresses that are known by now. It joins a dial that is under way, and
// brings it the new ones.
func (f *flight) dial() {
	if !f.node.tracer.Idle() {
		f.node.tracer.Dials(f.id, f.node.ranker.Rank(f.node.host.Peerstore().Addrs(f.id)))
	}
	conn, err := f.node.swarm.DialPeer(network.WithDialPeerTimeout(f.ctx, dialsWait), f.id)
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	switch {
	case err == nil:
		f.land(conn)
	case f.ctx.Err() == nil:
		// which says only that it has just failed
		if f.dialErr == nil || !errors.Is(err, swarm.ErrDialBackoff) {
			f.dialErr = err
		}
		f.noteOthers(err)
	}
}

// noteOthers keeps who answered in the peer's stead; node.mu is held.
func (f *flight) noteOthers(err error) {
	var all *swarm.DialError
	if !errors.As(err, &all) {
		return
	}
	for _, one := range all.DialErrors {
		var other sec.ErrPeerIDMismatch
		switch {
		case errors.As(one.Cause, &other):
			f.others[string(one.Address.Bytes())] = other.Actual
		case errors.Is(one.Cause, swarm.ErrDialToSelf):
			f.others[string(one.Address.Bytes())] = f.node.host.ID()
		}
	}
}
