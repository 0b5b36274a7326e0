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

// lookup asks the DHT once and says whether that brought addresses. It asks two things at once: those who are near the peer's ID
// for the peer, whom they may be in touch with or have heard from; and in a private mesh, those who keep its record.
//
// Both look further than we need: FindPeer returns only when it has asked around the target's neighbourhood and dialled the
// target, and a search for a record when it has seen all copies. So we listen in, and take the first answer that
// names the target. They may also take their time to stop, and we don't wait for that.
func (f *Finder) lookup(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) (known bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query, events := routing.RegisterForQueryEvents(network.WithAllowLimitedConn(ctx, "find"))
	answers := make(chan []ma.Multiaddr)
	answer := func(addrs []ma.Multiaddr) {
		select {
		case answers <- addrs:
		case <-ctx.Done():
		}
	}
	whole := make(chan struct{}, 2) // a token for each search that has ended
	searches := []func(){func() {
		info, _ := f.dht.FindPeer(query, id) // nil with no addresses happens: only they count
		answer(info.Addrs)
	}}
	if f.mesh.isPrivate() {
		searches = append(searches, func() { f.findRecord(query, id, answer) })
	}
	for _, search := range searches {
		if !f.spawn(func() {
			search()
			whole <- struct{}{}
		}) {
			return false
		}
	}
	seen := newTally(id)
	defer func() { f.told(seen.over()) }()
	var enough <-chan time.Time
	take := func(addrs []ma.Multiaddr) {
		if len(addrs) > 0 && ctx.Err() == nil {
			found(addrs)
			if !known {
				known, enough = true, time.After(moreAddrs)
			}
		}
	}
	for open := len(searches); open > 0; {
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
					take(info.Addrs)
				}
			}
		case addrs := <-answers:
			if len(addrs) > 0 {
				seen.found(seen.last)
			}
			take(addrs)
		case <-whole:
			open--
		case <-enough:
			return known
		case <-ctx.Done():
			return known
		}
	}
	return known
}

// findRecord passes on what the peer's record says, and what newer ones say as they are found.
func (f *Finder) findRecord(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	key := recordKey(id)
	values, err := f.dht.SearchValue(ctx, key)
	if err != nil {
		return // there are none, or nobody to ask
	}
	for value := range values { // valid ones: the DHT has seen to that
		if says, err := openRecord(key, value); err == nil {
			answer(says.Addrs)
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
