package discovery

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// When a peer was there outlives the stem. Of more peers than there is room for, those that were there last are kept.
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
