package discovery

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Seen notes that the peer was there at some time, in whatever way it was reached.
func (f *Finder) Seen(id peer.ID, at time.Time) {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	f.cache.note(id, at)
	signal(f.cache.dirty)
}

// LastSeen returns when the peer was there, in this life or an earlier one, and the zero
// Time if it never was.
func (f *Finder) LastSeen(id peer.ID) time.Time {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	return f.cache.seen[id]
}

// note keeps the newest maxCached peers; c.mu is held.
func (c *cache) note(id peer.ID, at time.Time) {
	if at.Before(c.seen[id]) {
		return
	}
	c.seen[id] = at
	if len(c.seen) <= maxCached {
		return
	}
	oldest := id
	for other, at := range c.seen {
		if at.Before(c.seen[oldest]) {
			oldest = other
		}
	}
	delete(c.seen, oldest)
}
