package discovery

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var discard = slog.New(slog.DiscardHandler)

func TestCacheIsBounded(t *testing.T) {
	c := loadCache("", discard)
	addr := func(i int) ma.Multiaddr {
		return ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1))
	}
	first := newID(t)
	for i := range 2 * maxCachedAddrs {
		c.worked(first, addr(i))
	}
	got := c.addrs(first)
	if len(got) != maxCachedAddrs || !got[0].Equal(addr(2*maxCachedAddrs-1)) {
		t.Errorf("got %v", got)
	}
	for i := range maxCached {
		c.worked(newID(t), addr(i))
	}
	if len(c.peers) != maxCached || c.addrs(first) != nil {
		t.Errorf("%d peers, and of the oldest %v", len(c.peers), c.addrs(first))
	}
}

func TestCacheIsSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	id, addr := newID(t), ma.StringCast("/ip4/192.0.2.1/udp/4433/quic-v1")
	noConns := func() []network.Conn { return nil }

	ctx, cancel := context.WithCancel(context.Background())
	c := loadCache(path, discard)
	c.worked(id, addr)
	cancel()
	c.run(ctx, noConns)

	again := loadCache(path, discard)
	if got := again.addrs(id); len(got) != 1 || !got[0].Equal(addr) {
		t.Errorf("got %v", got)
	}
	if latest := again.latest(9); len(latest) != 1 || latest[0].ID != id {
		t.Errorf("latest: %v", latest)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again.run(ctx, noConns)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file differs when it is saved again: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// The times outlive the process. Of more peers than fit, the latest are kept.
func TestLastSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	f := &Finder{cache: loadCache(path, discard)}
	first, now := newID(t), time.Now().Truncate(time.Second)
	f.Seen(first, now)
	f.Seen(first, now.Add(-time.Hour))
	f.cache.save()
	f = &Finder{cache: loadCache(path, discard)}
	if got := f.LastSeen(first); !got.Equal(now) {
		t.Errorf("seen at %v, want %v", got, now)
	}
	if got := f.LastSeen(newID(t)); !got.IsZero() {
		t.Errorf("an unknown peer was seen at %v", got)
	}
	for range maxCached {
		f.Seen(newID(t), now.Add(time.Minute))
	}
	if n := len(f.cache.seen); n != maxCached || !f.LastSeen(first).IsZero() {
		t.Errorf("%d peers are remembered, the first of them seen at %v", n, f.LastSeen(first))
	}
}

// Entries from a time when the clock was ahead do not count as newer than new ones.
func TestCacheFromClockAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	id, other, ahead := newID(t), newID(t), time.Now().Add(24*time.Hour)
	f := &Finder{cache: loadCache(path, discard)}
	addrs := someAddrs(maxCachedAddrs + 1)
	for i, addr := range addrs[:maxCachedAddrs] {
		f.cache.addAddr(id, cachedAddr{addr, ahead.Add(time.Duration(-i) * time.Minute)})
	}
	f.Seen(id, ahead)
	f.cache.save()
	f = &Finder{cache: loadCache(path, discard)}
	if at := f.LastSeen(id); time.Until(at) > 0 {
		t.Errorf("seen in %v from now", time.Until(at))
	}
	if got := f.cache.addrs(id); !got[0].Equal(addrs[0]) {
		t.Errorf("another address is the newest: %v", got)
	}
	f.Seen(id, time.Now())
	if at := f.LastSeen(id); time.Until(at) > 0 {
		t.Errorf("seen again, and still in %v from now", time.Until(at))
	}
	f.cache.worked(id, addrs[maxCachedAddrs])
	if got := f.cache.addrs(id); len(got) != maxCachedAddrs ||
		!got[0].Equal(addrs[maxCachedAddrs]) {
		t.Errorf("the address that worked last is not the first: %v", got)
	}
	f.cache.worked(other, addrs[0])
	if got := f.cache.latest(1); got[0].ID != other {
		t.Errorf("the peer that was reached last is not the first: %v", got)
	}
}

// A peer that is called all the time does not make the cache save all the time.
func TestAnswersAreSavedOnceAMinute(t *testing.T) {
	c, id := loadCache("", discard), newID(t)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	saves := 0
	for i := range 120 {
		c.answered(id, start.Add(time.Duration(i)*time.Second))
		c.answered(id, start) // out of order
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

// The listening address of a peer that calls us is remembered, although the peer has not
// said yet what it is when the connection begins.
func TestReachedByCaller(t *testing.T) {
	var hosts [2]host.Host
	for i := range hosts {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		hosts[i] = h
	}
	caller, called := hosts[0], hosts[1]
	f, err := New(Config{Host: called, Mesh: "none", NoMDNS: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	connected := func(_ network.Network, conn network.Conn) { f.Reached(conn, time.Time{}) }
	called.Network().Notify(&network.NotifyBundle{ConnectedF: connected})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := caller.Connect(ctx, peer.AddrInfo{ID: called.ID(),
		Addrs: called.Addrs()}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.cache.dirty:
	case <-ctx.Done():
	}
	if got := f.cache.addrs(caller.ID()); len(got) != 1 || !got[0].Equal(caller.Addrs()[0]) {
		t.Errorf("remembers %v, want %v", got, caller.Addrs())
	}
}

// Whatever the file says, the cache stays within its bounds, and can be saved and read
// again without a change.
func FuzzCacheFile(f *testing.F) {
	id := newID(f).String()
	for _, text := range []string{
		"", "null", "{}", `{"peers":{"`, `{"peers":null,"seen":{}}`,
		`{"peers":{"` + id + `":[{"addr":"/ip4/192.0.2.1/tcp/1","at":"2026-01-02T03:04:05Z"}]},` +
			`"seen":{"` + id + `":"2026-01-02T03:04:05Z"}}`,
		`{"peers":{"` + id + `":[{"addr":"/ip4/192.0.2.1/tcp/1"},{"addr":"x"},` +
			`{"addr":"/dns4/example.org/tcp/1/p2p/` + id + `/p2p-circuit",` +
			`"at":"2990-01-01T00:00:00Z"}],"y":[]}}`,
		`{"seen":{"` + id + `":"0000-01-01T00:00:00+23:59","x":"2026-01-02T03:04:05Z"}}`,
	} {
		f.Add([]byte(text))
	}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCache("", discard)
		if c.parse(data, now) != nil {
			return
		}
		if len(c.peers) > maxCached || len(c.seen) > maxCached {
			t.Errorf("%d peers and %d times are kept", len(c.peers), len(c.seen))
		}
		for id, list := range c.peers {
			if len(list) == 0 || len(list) > maxCachedAddrs || list[0].At.After(now) {
				t.Errorf("of %s is kept %v", id, list)
			}
		}
		saved, err := c.format()
		if err != nil {
			t.Fatalf("can't be saved: %v", err)
		}
		again := newCache("", discard)
		if err := again.parse(saved, now); err != nil {
			t.Fatalf("what was saved can't be read: %v", err)
		}
		if resaved, err := again.format(); err != nil || !bytes.Equal(saved, resaved) {
			t.Errorf("saved %s and then %s, %v", saved, resaved, err)
		}
	})
}
