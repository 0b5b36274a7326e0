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

// retryPauses are the pauses before a lookup is repeated: members learn of a peer that
// started at the same moment as we did only when it has published its addresses.
var retryPauses = []time.Duration{150 * time.Millisecond, 400 * time.Millisecond}

const (
	// moreAddrsWait is how long a lookup goes on after the first addresses: they may be
	// out of date, and other members may know better.
	moreAddrsWait = time.Second
	// maxProviders bounds how many of those who claim to provide the key of a peer are
	// read: anybody can claim it.
	maxProviders = 256
)

// query is a lookup of a peer under way. Only the goroutine that runs it uses it.
type query struct {
	id    peer.ID
	found func([]ma.Multiaddr)
	// exhaustive queries want all that the mesh knows, and not only enough for a call.
	exhaustive bool
	timeout    *searchTimeout // nil if only ctx ends the query
	tally      *tally
}

// patience is how long the query goes on after the first addresses.
func (q *query) patience() time.Duration {
	if q.exhaustive {
		return surveyWait
	}
	return moreAddrsWait
}

// find asks the mesh for a peer, for a call.
func (m *mesh) find(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	timeout := newSearchTimeout(id)
	for try := 0; ; try++ {
		if !m.join(ctx) {
			return m.noMembers()
		}
		tryCtx, cancel := timeout.start(ctx, m.rtt)
		known := m.lookUp(tryCtx, &query{id: id, found: found, timeout: timeout})
		cancel()
		if known {
			return nil
		}
		if try == len(retryPauses) || ctx.Err() != nil || !timeout.allows(retryPauses[try]) {
			if m.isEmpty() { // all members that we knew are gone
				return m.noMembers()
			}
			return fmt.Errorf("no one in mesh %q knows it: %v", m.name, timeout)
		}
		select {
		case <-time.After(retryPauses[try]):
		case <-ctx.Done():
		}
	}
}

// survey asks the mesh for all that it knows of a peer.
func (m *mesh) survey(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	if !m.join(ctx) {
		return m.noMembers()
	}
	if !m.lookUp(ctx, &query{id: id, found: found, exhaustive: true}) {
		return fmt.Errorf("no one in mesh %q knows it", m.name)
	}
	return nil
}

// lookUp asks the DHT once and reports whether that brought addresses. The members near
// the peer's ID are asked for the peer: they may be connected to it or have heard from it
// lately. What the peer has published is found wherever it has been since. A call in a
// private mesh asks a few members first, and the others if those know nothing or if the
// caller still wants more after moreAddrsWait.
func (m *mesh) lookUp(ctx context.Context, q *query) (known bool) {
	q.tally = newTally(q.id)
	defer func() {
		isCancelled := errors.Is(ctx.Err(), context.Canceled) && m.tasks.Context().Err() == nil
		if q.tally.Found || !isCancelled { // a cancelled lookup says nothing about the mesh
			m.onLookup(q.tally.end())
		}
	}()
	if !m.name.isPrivate() {
		return m.race(ctx, q, m.findPeer, m.findProvider)
	}
	if !q.exhaustive && m.race(ctx, q, m.fastFindPeer, m.fastFindRecord) {
		known = true
		q.timeout = nil
		select {
		case <-time.After(moreAddrsWait):
		case <-ctx.Done():
			return true
		}
	}
	return m.race(ctx, q, m.findPeer, m.findRecord) || known
}

// search asks the DHT for a peer and calls answer with addresses that it is given.
type search func(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr))

// race runs searches at once and reports whether one brought addresses. kad-dht searches
// further than we need and takes time to stop. So race listens to the events of the
// searches, takes the first response that names the peer, and does not wait for the end.
func (m *mesh) race(ctx context.Context, q *query, searches ...search) (known bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	searchCtx, events := routing.RegisterForQueryEvents(network.WithAllowLimitedConn(ctx, "find"))
	answers, ends := make(chan []ma.Multiaddr), make(chan struct{}, len(searches))
	answer := func(addrs []ma.Multiaddr) {
		select {
		case answers <- addrs:
		case <-ctx.Done():
		}
	}
	for _, search := range searches {
		if !m.tasks.Go(func() {
			search(searchCtx, q.id, answer)
			ends <- struct{}{}
		}) {
			return false
		}
	}
	q.timeout.startRace()
	var enough <-chan time.Time
	take := func(addrs []ma.Multiaddr) {
		if len(addrs) > 0 && ctx.Err() == nil {
			q.found(addrs)
			if !known {
				known, enough = true, time.After(q.patience())
			}
		}
	}
	for running := len(searches); running > 0; {
		select {
		case e, ok := <-events:
			if !ok { // ctx has ended
				return known
			}
			q.tally.note(e)
			q.timeout.note(e)
			if e.Type != routing.PeerResponse {
				continue
			}
			for _, info := range e.Responses {
				if info.ID == q.id {
					take(info.Addrs)
				}
			}
		case addrs := <-answers:
			if len(addrs) > 0 {
				q.tally.found(q.tally.last)
			}
			take(addrs)
		case <-ends:
			running--
		case <-enough:
			return known
		case <-q.timeout.over():
			return known
		case <-ctx.Done():
			return known
		}
	}
	return known
}

// findPeer answers when it has asked the members near the peer and dialled the peer.
func (k *kad) findPeer(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	info, _ := k.dht.FindPeer(ctx, id) // it may return no error and no addresses
	answer(info.Addrs)
}

// findRecord answers with the peer's record, and with newer ones as they are found.
func (k *kad) findRecord(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	key := recordKey(id)
	values, err := k.dht.SearchValue(ctx, key)
	if err != nil {
		return // there is none, or no member to ask
	}
	for value := range values { // the DHT has validated it
		if rec, err := openRecord(key, value); err == nil {
			answer(rec.Addrs)
		}
	}
}

// findProvider answers with the addresses at which the peer provides its key.
func (k *kad) findProvider(ctx context.Context, id peer.ID, answer func([]ma.Multiaddr)) {
	for info := range k.dht.FindProvidersAsync(ctx, providerKey(id), maxProviders) {
		if info.ID == id {
			answer(info.Addrs)
		}
	}
}
