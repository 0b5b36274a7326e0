package discovery

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
	ma "github.com/multiformats/go-multiaddr"
)

// If most of a mesh is gone, a search for an unknown peer still ends soon, and the error
// says how many members were silent.
func TestUnknownAmongSilentMembers(t *testing.T) {
	for rtt, limit := range map[time.Duration]time.Duration{
		40 * time.Millisecond:  2 * time.Second,
		300 * time.Millisecond: 5 * time.Second,
	} {
		t.Run(rtt.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const dead, alive = 24, 4
				w := newSteadyWorld(t, rtt)
				defer w.close()
				for range dead + alive {
					w.addServer()
				}
				for range dead {
					w.killServer()
				}
				f := w.through(w.servers[0])
				for range 2 { // the second time round-trip times are known
					began := time.Now()
					err := f.mesh.find(t.Context(), newID(t), func([]ma.Multiaddr) {
						t.Error("found a peer that does not exist")
					})
					took := time.Since(began)
					if err == nil || !strings.Contains(err.Error(), " asked, ") ||
						!strings.HasSuffix(err.Error(), " silent") {
						t.Errorf("the error does not say how many were asked: %v", err)
					}
					if t.Logf("after %v: %v", took, err); took > limit {
						t.Errorf("the search took %v, want %v", took, limit)
					}
				}
			})
		})
	}
}

// If all of a mesh is gone, a lookup soon says so, although it tries the peers of the cache
// again: it waits no longer than members need to answer, and a peer to which the host is
// still connected counts only when it answers.
func TestUnknownWithoutMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSteadyWorld(t, 40*time.Millisecond)
		defer w.close()
		r := w.add()
		f, err := New(Config{Host: r.host, Mesh: "lab", NoMDNS: true})
		if err != nil {
			t.Fatal(err)
		}
		r.onStop(func() { f.Close() })
		for range maxRejoin {
			w.addServer()
		}
		for _, s := range w.servers {
			if err := f.mesh.joinThrough(t.Context(), peer.AddrInfo{ID: s.host.ID(),
				Addrs: s.host.Addrs()}); err != nil {
				t.Fatal(err)
			}
			w.dead.Store(s.ip.String(), true)
		}
		for _, limit := range []time.Duration{rpcTimeout + 3*time.Second, 2 * time.Second,
			2 * time.Second} {
			began := time.Now()
			err := f.mesh.find(t.Context(), newID(t), func([]ma.Multiaddr) {
				t.Error("found a peer that does not exist")
			})
			took := time.Since(began)
			if t.Logf("after %v: %v", took, err); took > limit || err == nil ||
				!strings.Contains(err.Error(), "has no peers yet") {
				t.Errorf("after %v, want %v: %v", took, limit, err)
			}
			time.Sleep(20 * time.Second)
		}
	})
}

// Members that are gone do not hide one that knows the peer, although they are nearer to
// it, and more than are asked at a time.
func TestFoundBehindSilentMembers(t *testing.T) {
	for rtt, limit := range map[time.Duration]time.Duration{
		40 * time.Millisecond:  1250 * time.Millisecond,
		300 * time.Millisecond: 4 * time.Second,
	} {
		t.Run(rtt.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const dead = 12
				w := newSteadyWorld(t, rtt)
				defer w.close()
				for range dead + 2 {
					w.addServer()
				}
				names, knows := w.servers[dead], w.servers[dead+1]
				target := w.add(libp2p.Identity(behind(t, knows, w.servers)))
				if err := target.host.Connect(t.Context(),
					peer.AddrInfo{ID: knows.host.ID(), Addrs: knows.host.Addrs()}); err != nil {
					t.Fatal(err)
				}
				for range dead {
					w.killServer()
				}
				f := w.through(names)
				began, took := time.Now(), time.Hour
				err := f.mesh.find(t.Context(), target.host.ID(), func([]ma.Multiaddr) {
					took = min(took, time.Since(began))
				})
				if t.Logf("after %v", took); err != nil || took > limit {
					t.Errorf("after %v, want %v: %v", took, limit, err)
				}
			})
		})
	}
}

// Each race of a search has its full time, even if it asks members again that have
// answered in an earlier race.
func TestTimeoutOfEachRace(t *testing.T) {
	member := newID(t)
	synctest.Test(t, func(t *testing.T) {
		s := newSearchTimeout(newID(t))
		s.rtt, s.deadline = minRTT, time.Now().Add(time.Minute)
		answers := &routing.QueryEvent{ID: member, Type: routing.PeerResponse}
		for range 2 {
			s.startRace()
			s.note(answers)
			time.Sleep(quietRTTs * minRTT / 2)
			s.note(answers) // to another request, so this is not a new answer
		}
		began := time.Now()
		<-s.over()
		if took := time.Since(began); took != quietRTTs*minRTT/2 {
			t.Errorf("over after %v, want half of the time", took)
		}
	})
}

// behind makes the key of a peer to which one server is the farthest of all, in searches
// for the peer and for its record.
func behind(t *testing.T, server *resident, servers []*resident) crypto.PrivKey {
	var ids []peer.ID
	for _, s := range servers {
		ids = append(ids, s.host.ID())
	}
	isFarthest := func(key string) bool {
		sorted := kbucket.SortClosestPeers(ids, kbucket.ConvertKey(key))
		return sorted[len(sorted)-1] == server.host.ID()
	}
	for {
		m := newMaker(t)
		if isFarthest(string(m.id)) && isFarthest(recordKey(m.id)) {
			return m.key
		}
	}
}
