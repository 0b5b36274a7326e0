package discovery

import (
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// Whoever knows nobody who knows the peer asks a few of those who are named, and not all: one member for the peer and for its record,
// and then three each.
func TestFewAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		for range 80 {
			w.addServer()
		}
		through, looks := w.servers[0], 0
		for _, target := range w.servers {
			if target == through || through.dht.RoutingTable().Find(target.host.ID()) != "" {
				continue
			}
			through.host.Peerstore().ClearAddrs(target.host.ID()) // else it could say where the target is
			var seen Lookup
			f := w.through(through)
			f.told = func(l Lookup) { seen = l }
			if err := f.findFar(t.Context(), target.host.ID(), func([]ma.Multiaddr) {}); err != nil {
				t.Error(err)
			}
			if looks++; !seen.Found || seen.Hops != 2 || seen.Asked > 2+2*askFew {
				t.Errorf("%+v: want one hop more than to %s, and at most %d asked", seen, through.host.ID(), 2+2*askFew)
			}
		}
		if looks == 0 {
			t.Error("the one member knows everybody")
		}
	})
}
