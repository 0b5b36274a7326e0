package discovery

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// When a peer was there outlives the stem. Of more peers than there is room for, those
// that were there last are kept.
func TestSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	f := &Finder{cache: loadCache(path, slog.New(slog.DiscardHandler))}
	first, now := newID(t), time.Now().Truncate(time.Second)
	f.Seen(first, now)
	f.Seen(first, now.Add(-time.Hour))
	f.cache.save()
	f = &Finder{cache: loadCache(path, slog.New(slog.DiscardHandler))}
	if got := f.LastSeen(first); !got.Equal(now) {
		t.Errorf("seen at %v, want %v", got, now)
	}
	if got := f.LastSeen(newID(t)); !got.IsZero() {
		t.Errorf("a stranger was seen at %v", got)
	}
	for range maxCached {
		f.Seen(newID(t), now.Add(time.Minute))
	}
	if n := len(f.cache.seen); n != maxCached || !f.LastSeen(first).IsZero() {
		t.Errorf("%d peers are remembered, the first of them seen at %v", n, f.LastSeen(first))
	}
}

// What was remembered when the clock was ahead does not count for more than what is true now.
func TestCacheOfClockAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	id, other, ahead := newID(t), newID(t), time.Now().Add(24*time.Hour)
	f := &Finder{cache: loadCache(path, slog.New(slog.DiscardHandler))}
	addrs := someAddrs(maxCachedAddrs + 1)
	for i, addr := range addrs[:maxCachedAddrs] {
		f.cache.add(id, contact{addr, ahead.Add(time.Duration(-i) * time.Minute)})
	}
	f.Seen(id, ahead)
	f.cache.save()
	f = &Finder{cache: loadCache(path, slog.New(slog.DiscardHandler))}
	if at := f.LastSeen(id); time.Until(at) > 0 {
		t.Errorf("seen in %v from now", time.Until(at))
	}
	if got := f.cache.get(id); !got[0].Equal(addrs[0]) {
		t.Errorf("another address is the newest: %v", got)
	}
	f.Seen(id, time.Now())
	if at := f.LastSeen(id); time.Until(at) > 0 {
		t.Errorf("seen again, and still in %v from now", time.Until(at))
	}
	f.cache.put(id, addrs[maxCachedAddrs])
	if got := f.cache.get(id); len(got) != maxCachedAddrs || !got[0].Equal(addrs[maxCachedAddrs]) {
		t.Errorf("the address that worked last is not the first: %v", got)
	}
	f.cache.put(other, addrs[0])
	if got := f.cache.latest(1); got[0].ID != other {
		t.Errorf("the peer that was reached last is not the first: %v", got)
	}
}

// A peer that is called all the time does not have the cache saved all the time.
func TestHeardIsSavedOnceAMinute(t *testing.T) {
	c, id := loadCache("", slog.New(slog.DiscardHandler)), newID(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	saves := 0
	for i := range 120 {
		c.heard(id, start.Add(time.Duration(i)*time.Second))
		c.heard(id, start) // out of order
		select {
		case <-c.dirty:
			saves++
		default:
		}
	}
	if saves != 2 || !c.seen[id].Equal(start.Add(119*time.Second)) {
		t.Errorf("%d saves in two minutes, last seen at %v", saves, c.seen[id])
	}
}
