package discovery

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Seen notes that the peer answered at a time when there is no connection any more.
// Where there is one, Reached notes it.
func (f *Finder) Seen(id peer.ID, at time.Time) { f.cache.heard(id, at) }

// LastSeen returns when the peer was there, in this life or an earlier one, and the zero
// Time if it never was.
func (f *Finder) LastSeen(id peer.ID) time.Time {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	return f.cache.seen[id]
}

// heard notes that the peer answered. That alone is saved once a minute.
func (c *cache) heard(id peer.ID, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.seen[id]
	if !at.After(last) {
		return
	}
	c.note(id, at)
	if !at.Truncate(putAgain).Equal(last.Truncate(putAgain)) {
		signal(c.dirty)
	}
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
