package discovery

import (
	"testing"
	"testing/synctest"
	"time"

	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// A fast search asks a few of the members that are named, not all: first the one member
// that we know, for the peer and for its record, and then three each.
func TestFewAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		var ids []peer.ID
		for range 80 {
			w.addServer()
		}
		for _, s := range w.servers {
			ids = append(ids, s.host.ID())
		}
		through, looks := w.servers[0], 0
		for _, target := range w.servers {
			id := target.host.ID()
			if target == through || through.dht.RoutingTable().Find(id) != "" {
				continue
			}
			if kbucket.SortClosestPeers(ids, kbucket.ConvertPeerID(id))[1] == through.host.ID() {
				continue // no member is nearer to the target
			}
			through.host.Peerstore().ClearAddrs(id) // otherwise it could answer itself
			var seen Lookup
			f := w.through(through)
			f.mesh.onLookup = func(l Lookup) { seen = l }
			if err := f.mesh.find(t.Context(), id, func([]ma.Multiaddr) {}); err != nil {
				t.Error(err)
			}
			if looks++; !seen.Found || seen.Hops != 2 || seen.Asked > 2+2*fastWidth {
				t.Errorf("%+v: want one hop more than to %s, and at most %d asked", seen,
					through.host.ID(), 2+2*fastWidth)
			}
		}
		if looks == 0 {
			t.Error("the one member knows all others, so this test shows nothing")
		}
	})
}
