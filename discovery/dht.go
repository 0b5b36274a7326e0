package discovery

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// askAgain are the pauses before a lookup is repeated: a peer that started at the same moment as we did is known
// to others only after it has told them.
var askAgain = []time.Duration{150 * time.Millisecond, 400 * time.Millisecond}

// moreAddrs is how long a lookup goes on after the first addresses: they may be out of date, and others know better.
const moreAddrs = time.Second

// findFar asks the mesh.
func (f *Finder) findFar(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	for try := 0; ; try++ {
		if !f.join(ctx) {
			return f.alone()
		}
		if f.lookup(ctx, id, found) {
			return nil
		}
		if try == len(askAgain) || ctx.Err() != nil {
			return fmt.Errorf("no one in mesh %q knows it", f.mesh.name)
		}
		select {
		case <-time.After(askAgain[try]):
		case <-ctx.Done():
		}
	}
}

// lookup runs one query of the DHT and says whether it brought addresses. FindPeer itself returns only when it
// has asked around the target's neighbourhood and dialled the target; we listen in, and take the first
// answer that names it. FindPeer may also take its time to stop, and we don't wait for that.
func (f *Finder) lookup(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) (known bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query, events := routing.RegisterForQueryEvents(network.WithAllowLimitedConn(ctx, "find"))
	whole := make(chan []ma.Multiaddr, 1)
	if !f.spawn(func() {
		info, _ := f.dht.FindPeer(query, id) // nil with no addresses happens: only they count
		whole <- info.Addrs
	}) {
		return false
	}
	seen := newTally(id)
	defer func() { f.told(seen.over()) }()
	var enough <-chan time.Time
	answer := func(addrs []ma.Multiaddr) {
		if len(addrs) > 0 && ctx.Err() == nil {
			found(addrs)
			if !known {
				known, enough = true, time.After(patience(ctx))
			}
		}
	}
	for {
		select {
		case e, ok := <-events:
			if !ok { // ctx ended
				return known
			}
			seen.note(e)
			if e.Type != routing.PeerResponse {
				continue
			}
			for _, info := range e.Responses {
				if info.ID == id {
					answer(info.Addrs)
				}
			}
		case addrs := <-whole:
			if len(addrs) > 0 {
				seen.found(0)
			}
			answer(addrs)
			return known
		case <-enough:
			return known
		case <-ctx.Done():
			return known
		}
	}
}

// spawn runs f in a goroutine that Close waits for, unless it has begun.
func (f *Finder) spawn(work func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.group.Go(work)
	}
	return !f.closed
}

// alone says why we know nobody in the mesh.
func (f *Finder) alone() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.boots {
		if !b.cached && b.err != nil {
			return fmt.Errorf("mesh %q has no peers yet: bootstrap %s does not answer: %w", f.mesh.name, b.ID, Brief(b.err))
		}
	}
	if f.pending > 0 {
		return fmt.Errorf("mesh %q has no peers yet: no bootstrap peer has answered so far", f.mesh.name)
	}
	return fmt.Errorf("mesh %q has no peers yet: name one with --bootstrap", f.mesh.name)
}
