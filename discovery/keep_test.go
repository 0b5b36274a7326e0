package discovery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// within waits until something is so, and returns how long it took; the test fails if it is not in time.
func within(t *testing.T, limit time.Duration, what string, so func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > limit {
			t.Fatalf("%s: not in %v", what, limit)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(began)
}

// inMesh is a mesh with one server, and a member that begins with it and tells the mesh nothing of itself.
func inMesh(t *testing.T, test func(t *testing.T, w *world, server, member *resident, f *Finder)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mesh{"lab"})
		defer w.close()
		w.addServer()
		server, member := w.servers[0], w.add()
		f, err := New(Config{Host: member.host, Mesh: "lab", NoMDNS: true, Unpublished: true,
			Bootstrap: []string{server.host.Addrs()[0].String() + "/p2p/" + server.host.ID().String()}})
		if err != nil {
			t.Fatal(err)
		}
		member.onStop(func() { f.Close() })
		test(t, w, server, member, f)
	})
}

func (r *resident) knows(other *resident) bool {
	return r.host.Network().Connectedness(other.host.ID()) == network.Connected
}

// A bootstrap peer that comes late, or comes back, is met again by itself: who has lost it is not found until then.
func TestBootstrapIsKept(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		time.Sleep(30 * time.Second)
		w.dead.Delete(server.ip.String())
		within(t, 2*maxPause, "met, since it is there", func() bool { return member.knows(server) })
		time.Sleep(10 * time.Second) // until it has been told that the server is one
		w.dead.Store(server.ip.String(), true)
		within(t, 2*time.Minute, "lost", func() bool { return !member.knows(server) })
		time.Sleep(3 * lookEvery) // until its DHT, too, has given the server up
		w.dead.Delete(server.ip.String())
		within(t, 2*maxPause, "met again", func() bool { return member.knows(server) })
	})
}

// One that has too many ends connections: who knows others leaves it alone for a while, and who does not comes back.
func TestCrowdedBootstrapIsLeft(t *testing.T) {
	for _, known := range []int{enough - 1, 3 * enough} {
		inMesh(t, func(t *testing.T, _ *world, server, member *resident, f *Finder) {
			member.run(f.Run)
			within(t, time.Minute, "joined", func() bool { return member.knows(server) })
			time.Sleep(time.Second) // until it has looked around
			for f.dht.RoutingTable().Size() < known {
				if err := f.Introduce(peer.AddrInfo{ID: newID(t)}); err != nil {
					t.Fatal(err)
				}
			}
			server.host.Network().ClosePeer(member.host.ID())
			within(t, time.Minute, "left", func() bool { return !member.knows(server) })
			away := within(t, 2*lookEvery, "is back", func() bool { return member.knows(server) })
			if left := away > 4*maxPause; left != (known > enough) {
				t.Errorf("with %d others known, it was back after %v", known, away)
			}
		})
	}
}

// Who comes to another network goes back to the mesh at once, however long it had none.
func TestMovedGoesBack(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		time.Sleep(10 * time.Minute) // so that it tries once a minute or so
		within(t, 2*meetWait, "pauses", func() bool {
			f.boots.mu.Lock()
			defer f.boots.mu.Unlock()
			return f.boots.list[0].pausing
		})
		w.dead.Delete(server.ip.String())
		f.Moved()
		within(t, 2*time.Second, "goes back", func() bool { return member.knows(server) })
	})
}

// Members get to know those who have come after them.
func TestNewcomersAreMet(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		member.run(f.Run)
		within(t, time.Minute, "joined", func() bool { return member.knows(server) })
		time.Sleep(time.Minute)
		w.addServer()
		newcomer := w.servers[1]
		time.Sleep(time.Minute)
		if member.knows(newcomer) {
			t.Fatal("is known at once: there is nothing to see here")
		}
		within(t, lookEvery, "has met the newcomer", func() bool { return member.knows(newcomer) })
	})
}

// The first answer may be out of date: a search goes on for a moment, but not for long.
func TestSearchHearsMore(t *testing.T) {
	inMesh(t, func(t *testing.T, _ *world, _, _ *resident, f *Finder) {
		old, fresh, late := ma.StringCast("/ip4/192.0.2.1/udp/1/quic-v1"), ma.StringCast("/ip4/192.0.2.2/udp/2/quic-v1"), ma.StringCast("/ip4/192.0.2.3/udp/3/quic-v1")
		says := func(addr ma.Multiaddr, after time.Duration) search {
			return func(ctx context.Context, _ peer.ID, answer func([]ma.Multiaddr)) {
				select {
				case <-time.After(after):
					answer([]ma.Multiaddr{addr})
				case <-ctx.Done():
				}
			}
		}
		var got []ma.Multiaddr
		began := time.Now()
		id := newID(t)
		known := f.race(t.Context(), id, newTally(id), func(addrs []ma.Multiaddr) { got = append(got, addrs...) },
			says(old, 100*time.Millisecond), says(fresh, 100*time.Millisecond+moreAddrs/2), says(late, time.Minute))
		if took := time.Since(began); !known || len(got) != 2 || !got[0].Equal(old) || !got[1].Equal(fresh) || took != 100*time.Millisecond+moreAddrs {
			t.Errorf("heard %v after %v: %v", got, took, known)
		}
	})
}
