package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// seekWait bounds finding and dialling together. It is a little less than openWait, so
	// that Open can say what failed.
	seekWait = 6500 * time.Millisecond
	// dialWait bounds the dial of one address.
	dialWait = 5 * time.Second
	// dialsWait bounds the dial of all addresses of a peer. It is a little more, so that
	// each can say how it failed.
	dialsWait = dialWait + 500*time.Millisecond
)

// flights are the searches for peers that are under way.
type flights struct {
	mu sync.Mutex // guards of, and what each flight says that it guards
	of map[peer.ID]*flight
}

// flight is one search for a peer, which all who want the peer at this time share. It dials
// the addresses at hand and, as they come in, those of the places that were given and those
// that discovery finds. It ends with the first connection, when all sources are exhausted,
// or when the last waiter leaves.
type flight struct {
	node   *Node
	id     peer.ID
	ctx    context.Context // ends with the flight
	cancel context.CancelFunc
	done   chan struct{} // closed at the end: conn is set, or stays nil

	// guarded by flights.mu
	waiting int // for the end
	working int // steps under way
	over    bool
	conn    network.Conn
	findErr error
	dialErr error
	others  map[string]peer.ID // which other peer answered at an address
}

// join joins the flight to a peer, or begins one, and adds the targets to what it tries.
func (n *Node) join(id peer.ID, at []*target) *flight {
	n.flights.mu.Lock()
	defer n.flights.mu.Unlock()
	f := n.flights.of[id]
	if f == nil {
		f = &flight{node: n, id: id, done: make(chan struct{}), others: map[string]peer.ID{}}
		f.ctx, f.cancel = context.WithTimeout(n.tasks.Context(), seekWait)
		n.flights.of[id] = f
		// Someone asks now, so do not wait because a dial failed a while ago.
		n.swarm.Backoff().Clear(id)
		if len(n.host.Peerstore().Addrs(id)) > 0 {
			f.begin(f.dial)
		}
		f.begin(f.find)
	}
	f.waiting++
	for _, t := range at {
		f.begin(func() { f.visit(t) })
	}
	return f
}

// leave is called by each waiter once.
func (f *flight) leave() {
	f.node.flights.mu.Lock()
	defer f.node.flights.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.finish(nil)
	}
}

// begin runs a step in the background, unless the node has ended; flights.mu is held.
func (f *flight) begin(step func()) {
	f.working++
	if !f.node.tasks.Go(func() {
		step()
		f.node.flights.mu.Lock()
		defer f.node.flights.mu.Unlock()
		f.end()
	}) {
		f.end()
	}
}

// end is called after each step, and the last one finishes the flight; flights.mu is held.
func (f *flight) end() {
	if f.working--; f.working == 0 {
		f.finish(nil)
	}
}

// finish ends the flight, so that nobody joins it any more; flights.mu is held.
func (f *flight) finish(conn network.Conn) {
	if f.over {
		return
	}
	f.over, f.conn = true, conn
	delete(f.node.flights.of, f.id)
	f.cancel()
	close(f.done)
}

// find asks discovery.
func (f *flight) find() {
	err := f.node.finder.Find(discovery.WithTold(f.ctx, f.node.tracer.Found(f.id)), f.id,
		f.found)
	f.node.flights.mu.Lock()
	defer f.node.flights.mu.Unlock()
	f.findErr = err
}

// found dials addresses. It is called in a step.
func (f *flight) found(addrs []ma.Multiaddr) {
	f.node.host.Peerstore().AddAddrs(f.id, addrs, peerstore.TempAddrTTL)
	f.node.flights.mu.Lock()
	defer f.node.flights.mu.Unlock()
	f.begin(f.dial)
}

// visit resolves a target and dials its addresses.
func (f *flight) visit(t *target) {
	endpoints, err := f.node.resolve(f.ctx, t)
	var addrs []ma.Multiaddr
	for _, e := range endpoints {
		if e.peer == "" || e.peer == f.id {
			addrs = append(addrs, e.addr)
		}
	}
	if err == nil && len(addrs) == 0 {
		err = errors.New("only has addresses of other peers")
	}
	f.traceVisit(t, addrs, err)
	f.node.flights.mu.Lock()
	t.addrs, t.err = addrs, err
	f.node.flights.mu.Unlock()
	if len(addrs) > 0 {
		f.found(addrs)
	}
}

// traceVisit emits what a target resolved to. One that is an address itself is no news.
func (f *flight) traceVisit(t *target, addrs []ma.Multiaddr, err error) {
	e := trace.Event{Kind: trace.Found, Source: trace.Named, Addresses: maddrs.Strings(addrs)}
	if err != nil {
		e = trace.Event{Kind: trace.Nothing, Source: trace.Named,
			Reason: fmt.Sprintf("%s %v", t.place, err)}
	}
	if err != nil || t.name != "" {
		f.node.tracer.Emit(f.id, e)
	}
}

// dial tries all addresses that are known by now. If a dial is under way, the swarm adds
// the new ones to that.
func (f *flight) dial() {
	if !f.node.tracer.Idle() {
		f.node.tracer.Dials(f.id, f.node.ranker.Rank(f.node.host.Peerstore().Addrs(f.id)))
	}
	conn, err := f.node.swarm.DialPeer(network.WithDialPeerTimeout(f.ctx, dialsWait), f.id)
	f.node.flights.mu.Lock()
	defer f.node.flights.mu.Unlock()
	switch {
	case err == nil:
		f.finish(conn)
	case f.ctx.Err() == nil:
		// ErrDialBackoff only says that a dial has just failed
		if f.dialErr == nil || !errors.Is(err, swarm.ErrDialBackoff) {
			f.dialErr = err
		}
		f.noteOthers(err)
	}
}

// noteOthers notes which other peers answered; flights.mu is held.
func (f *flight) noteOthers(err error) {
	all, ok := errors.AsType[*swarm.DialError](err)
	if !ok {
		return
	}
	for _, one := range all.DialErrors {
		if other, ok := errors.AsType[sec.ErrPeerIDMismatch](one.Cause); ok {
			f.others[string(one.Address.Bytes())] = other.Actual
		} else if errors.Is(one.Cause, swarm.ErrDialToSelf) {
			f.others[string(one.Address.Bytes())] = f.node.host.ID()
		}
	}
}
