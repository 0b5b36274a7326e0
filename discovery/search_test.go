package discovery

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// The first answer may be out of date, so a search goes on for moreAddrsWait, but no
// longer.
func TestSearchWaitsForMore(t *testing.T) {
	inMesh(t, func(t *testing.T, _ *world, _, _ *resident, f *Finder) {
		addrs := someAddrs(3)
		answersAfter := func(wait time.Duration, addr ma.Multiaddr) search {
			return func(ctx context.Context, _ peer.ID, answer func([]ma.Multiaddr)) {
				select {
				case <-time.After(wait):
					answer([]ma.Multiaddr{addr})
				case <-ctx.Done():
				}
			}
		}
		const first = 100 * time.Millisecond
		var got []ma.Multiaddr
		began := time.Now()
		q := newTestQuery(newID(t), func(addrs []ma.Multiaddr) { got = append(got, addrs...) })
		known := f.mesh.race(t.Context(), q, answersAfter(first, addrs[0]),
			answersAfter(first+moreAddrsWait/2, addrs[1]), answersAfter(time.Minute, addrs[2]))
		if took := time.Since(began); !known || len(got) != 2 || !got[0].Equal(addrs[0]) ||
			!got[1].Equal(addrs[1]) || took != first+moreAddrsWait {
			t.Errorf("got %v after %v: %v", got, took, known)
		}
	})
}

// newTestQuery makes a query for a race.
func newTestQuery(id peer.ID, found func([]ma.Multiaddr)) *query {
	return &query{id: id, found: found, tally: newTally(id)}
}
