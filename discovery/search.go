package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// askAgain are the pauses before a lookup is repeated: a peer that started at the same
// moment as we did is known to others only after it has told them.
var askAgain = []time.Duration{150 * time.Millisecond, 400 * time.Millisecond}

// moreAddrs is how long a lookup goes on after the first addresses: they may be out of
// date, and others know better.
const moreAddrs = time.Second

// findFar asks the mesh.
func (f *Finder) findFar(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	members := newSilence(id)
	for try := 0; ; try++ {
		if !f.join(ctx) {
			return f.alone()
		}
		if members.lookup(ctx, f, found) {
			return nil
		}
		if try == len(askAgain) || ctx.Err() != nil || !members.permits(askAgain[try]) {
			if f.dht.RoutingTable().Size() == 0 { // those whom we knew are gone
				return f.alone()
			}
			return fmt.Errorf("no one in mesh %q knows it: %v", f.mesh.name, members)
		}
		select {
		case <-time.After(askAgain[try]):
		case <-ctx.Done():
		}
	}
}

// lookup asks the DHT once and says whether that brought addresses. Those near the peer's
// ID are asked for the peer: they may be in touch with it, or have heard from it lately.
// Others keep what it has published, wherever it has been since. In a private mesh a few
// are asked first; all others if those don't know, or if what they said was not enough
// for whoever wants to know.
func (f *Finder) lookup(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) (known bool) {
	seen := newTally(id)
	defer func() {
		// else nobody wants to know any more
		if seen.Found || !errors.Is(ctx.Err(), context.Canceled) || f.tasks.Context().Err() != nil {
			f.told(seen.over())
		}
	}()
	if !f.mesh.isPrivate() {
		return f.race(ctx, id, seen, found, f.findPeer, f.findBeacon)
	}
	if !isPatient(ctx) && f.race(ctx, id, seen, found, f.askPeer, f.askRecord) {
		known = true
		ctx = context.WithValue(ctx, silenceKey{}, nil) // there is more to wait for
		select {
		case <-time.After(moreAddrs):
		case <-ctx.Done():
			return true
		}
	}
	return f.race(ctx, id, seen, found, f.findPeer, f.findRecord) || known
}

// search asks the DHT for a peer, and calls answer with what it is told.
type search func(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr))

// race runs searches at once and says whether one brought addresses. Each looks further
// than we need, and takes its time to stop; so we listen in, take the first response that
// names the peer, and do not wait for their ends.
func (f *Finder) race(ctx context.Context, id peer.ID, seen *tally, found func([]ma.Multiaddr),
	searches ...search) (known bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query, events := routing.RegisterForQueryEvents(network.WithAllowLimitedConn(ctx, "find"))
	answers, ends := make(chan []ma.Multiaddr), make(chan struct{}, len(searches))
	answer := func(addrs []ma.Multiaddr) {
		select {
		case answers <- addrs:
		case <-ctx.Done():
		}
	}
	for _, search := range searches {
		if !f.tasks.Go(func() {
			search(query, id, answer)
			ends <- struct{}{}
		}) {
			return false
		}
	}
	members := silenceOf(ctx)
	members.begin()
	var enough <-chan time.Time
	take := func(addrs []ma.Multiaddr) {
		if len(addrs) > 0 && ctx.Err() == nil {
			found(addrs)
			if !known {
				known, enough = true, time.After(patience(ctx))
			}
		}
	}
	for running := len(searches); running > 0; {
		select {
		case e, ok := <-events:
			if !ok { // ctx ended
				return known
			}
			seen.note(e)
			members.note(e)
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
		case <-ends:
			running--
		case <-enough:
			return known
		case <-members.over():
			return known
		case <-ctx.Done():
			return known
		}
	}
	return known
}

// findPeer answers when it has asked around the peer's neighbourhood, and dialled the peer.
func (f *Finder) findPeer(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	info, _ := f.dht.FindPeer(ctx, id) // nil with no addresses happens: only they count
	answer(info.Addrs)
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

// maxBeacons bounds how many of those who say that they provide a peer's beacon are
// looked at: anyone can.
const maxBeacons = 256

// findBeacon passes on at which addresses the peer provides its beacon.
func (f *Finder) findBeacon(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	for info := range f.dht.FindProvidersAsync(ctx, beacon(id), maxBeacons) {
		if info.ID == id {
			answer(info.Addrs)
		}
	}
}

// alone says why we know nobody in the mesh.
func (f *Finder) alone() error {
	return fmt.Errorf("mesh %q has no peers yet: %w", f.mesh.name, f.boots.why())
}
