package discovery

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"
)

// becomes waits until a host is connected to another, or is not, and returns how long
// that took; the test fails if it is not in time.
func (r *resident) becomes(t *testing.T, connected bool, to *resident,
	limit time.Duration) time.Duration {
	t.Helper()
	changes, err := r.host.EventBus().Subscribe(new(event.EvtPeerConnectednessChanged))
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Close()
	began, late := time.Now(), time.After(limit)
	for r.knows(to) != connected {
		select {
		case <-changes.Out():
		case <-late:
			t.Fatalf("connected is not %v in %v", connected, limit)
		}
	}
	return time.Since(began)
}

// tries waits until so many attempts to join the mesh have come to an end, and their
// pauses have begun.
func (f *Finder) tries(times int) {
	for range times {
		f.boots.mu.Lock()
		changed := f.boots.changed
		f.boots.mu.Unlock()
		<-changed
	}
	synctest.Wait()
}

// inMesh is a mesh with one server, and a member that begins with it and tells the mesh
// nothing of itself.
func inMesh(t *testing.T, test func(t *testing.T, w *world, server, member *resident, f *Finder)) {
	inMeshWith(t, Config{Unpublished: true}, test)
}

func inMeshWith(t *testing.T, cfg Config, test func(t *testing.T, w *world, server, member *resident, f *Finder), options ...libp2p.Option) {
	if cfg.Mesh == "" {
		cfg.Mesh = "lab"
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, mesh{cfg.Mesh})
		defer w.close()
		w.addServer()
		server, member := w.servers[0], w.add(options...)
		cfg.Host, cfg.NoMDNS = member.host, true
		cfg.Bootstrap = []string{server.host.Addrs()[0].String() + "/p2p/" +
			server.host.ID().String()}
		f, err := New(cfg)
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

// A bootstrap peer that comes late, or comes back, is met again by itself: who has lost
// it is not found until then.
func TestBootstrapIsKept(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		f.tries(3)
		w.dead.Delete(server.ip.String())
		member.becomes(t, true, server, 2*maxPause)
		f.tries(1)
		w.dead.Store(server.ip.String(), true)
		member.becomes(t, false, server, 2*time.Minute)
		for f.dht.RoutingTable().Size() > 0 { // until its DHT, too, has given the server up
			f.tries(1)
		}
		w.dead.Delete(server.ip.String())
		member.becomes(t, true, server, 2*maxPause)
	})
}

// One that has too many ends connections: who knows others leaves it alone for a while,
// and who does not comes back.
func TestCrowdedBootstrapIsLeft(t *testing.T) {
	for _, known := range []int{enough - 1, 3 * enough} {
		inMesh(t, func(t *testing.T, _ *world, server, member *resident, f *Finder) {
			member.run(f.Run)
			f.tries(1)
			for f.dht.RoutingTable().Size() < known {
				if err := f.Introduce(peer.AddrInfo{ID: newID(t)}); err != nil {
					t.Fatal(err)
				}
			}
			server.host.Network().ClosePeer(member.host.ID())
			member.becomes(t, false, server, time.Minute)
			away := member.becomes(t, true, server, 2*lookEvery)
			if left := away > 4*maxPause; left != (known > enough) {
				t.Errorf("with %d others known, it was back after %v", known, away)
			}
		})
	}
}

// A bootstrap peer that refuses a sign of life is there, and calls to it go on; one that
// is silent is left before the connection ends by itself.
func TestRefusalIsSignOfLife(t *testing.T) {
	const calls = "/calls"
	isServer := mesh{"lab"}.protocol()
	for name, test := range map[string]struct {
		becomes func(server *resident)
		left    bool
	}{
		"serves the mesh no more": {func(server *resident) { server.host.RemoveStreamHandler(isServer) }, false},
		"nor says so":             {func(server *resident) { server.host.Mux().RemoveHandler(isServer) }, false},
		"has too much to do": {func(server *resident) {
			server.host.SetStreamHandler(isServer, func(s network.Stream) {
				s.ResetWithError(network.StreamResourceLimitExceeded)
			})
		}, false},
		"hangs up": {func(server *resident) {
			server.host.SetStreamHandler(isServer, func(s network.Stream) { s.Close() })
		}, false},
		"is silent": {func(server *resident) {
			server.host.SetStreamHandler(isServer, func(s network.Stream) {
				io.Copy(io.Discard, s)
			})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inMesh(t, func(t *testing.T, _ *world, server, member *resident, f *Finder) {
				server.host.SetStreamHandler(calls, func(s network.Stream) {
					io.Copy(s, s)
					s.Close()
				})
				member.run(f.Run)
				f.tries(1)
				call, err := member.host.NewStream(t.Context(), server.host.ID(), calls)
				if err != nil {
					t.Fatal(err)
				}
				defer call.Reset()
				goesOn := func() error {
					if _, err := call.Write([]byte("a")); err != nil {
						return err
					}
					_, err := io.ReadFull(call, make([]byte, 1))
					return err
				}
				if err := goesOn(); err != nil {
					t.Fatal(err)
				}
				test.becomes(server)
				time.Sleep(3 * (signEvery + messageWait))
				if err := goesOn(); (err != nil) != test.left {
					t.Errorf("the call: %v", err)
				}
			})
		})
	}
}

// Who comes to another network goes back to the mesh at once, however long it had none.
func TestMovedGoesBack(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		f.tries(8) // so that it tries once a minute or so
		w.dead.Delete(server.ip.String())
		f.Moved()
		member.becomes(t, true, server, 2*time.Second)
	})
}

// Whose bootstrap peer is gone for good, and whose mesh was out of reach until the DHT
// knew nobody, comes back through those whom it has met since its start: when someone
// needs the mesh, when it has moved, or else with the next attempt to reach the bootstrap
// peer.
func TestWayBackAfterOutage(t *testing.T) {
	for name, test := range map[string]struct {
		back  func(t *testing.T, f *Finder, target *resident)
		limit time.Duration
	}{
		"needed": {func(t *testing.T, f *Finder, target *resident) {
			ctx, found := context.WithCancel(t.Context())
			if err := f.findFar(ctx, target.host.ID(),
				func([]ma.Multiaddr) { found() }); err != nil {
				t.Error(err)
			}
		}, 2 * time.Second},
		"moved":     {func(_ *testing.T, f *Finder, _ *resident) { f.Moved() }, time.Second},
		"by itself": {func(*testing.T, *Finder, *resident) {}, 2 * maxPause},
	} {
		t.Run(name, func(t *testing.T) {
			inMeshWith(t, Config{Unpublished: true},
				func(t *testing.T, w *world, server, member *resident, f *Finder) {
					for range 6 {
						w.addServer()
					}
					member.run(f.Run)
					f.tries(1)
					time.Sleep(time.Minute) // in which it looks around
					for _, conn := range member.host.Network().Conns() {
						f.Worked(conn)
					}
					w.dead.Store(server.ip.String(), true)
					server.stop()
					w.dead.Store(member.ip.String(), true)
					for began := time.Now(); time.Since(began) < 5*time.Minute; time.Sleep(time.Minute) {
						if err := f.findFar(t.Context(), newID(t),
							func([]ma.Multiaddr) {}); err == nil {
							t.Error("it is found")
						}
					}
					f.tries(1)
					// so that no attempt is under way, nor begins before its pause is over
					time.Sleep(meetWait + rejoinWait)
					if known := f.dht.RoutingTable().Size(); known > 0 || f.rejoins.Load() {
						t.Fatalf("%d members are known, or an attempt is under way", known)
					}
					w.dead.Delete(member.ip.String())
					target := w.add()
					through := w.servers[len(w.servers)-1].host
					if err := target.host.Connect(t.Context(),
						peer.AddrInfo{ID: through.ID(), Addrs: through.Addrs()}); err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					test.back(t, f, target)
					for f.dht.RoutingTable().Size() == 0 && time.Since(began) <= test.limit {
						time.Sleep(10 * time.Millisecond)
					}
					if took := time.Since(began); took > test.limit {
						t.Errorf("not back after %v", took)
					} else {
						t.Logf("back after %v", took)
					}
					// as in a node: libp2p would dial nobody any more after some hundred dials in
					// vain
				}, libp2p.UDPBlackHoleSuccessCounter(nil))
		})
	}
}

// Members get to know those who have come after them: who tells the mesh of itself does
// so to them, and needs not look for them besides.
func TestNewcomersAreMet(t *testing.T) {
	for _, mute := range []bool{true, false} {
		inMeshWith(t, Config{Unpublished: mute},
			func(t *testing.T, w *world, server, member *resident, f *Finder) {
				member.run(f.Run)
				f.tries(1)
				time.Sleep(time.Minute) // in which it has looked around, and told where it is
				w.addServer()
				if took := member.becomes(t, true, w.servers[1],
					lookEvery+time.Minute); took < time.Minute {
					t.Errorf("is known after %v: there is nothing to see here", took)
				}
				time.Sleep(time.Second) // to be told takes as long again as to be met
				if told := f.toldIn(2 * time.Second); told == mute {
					t.Errorf("mute is %v, and the newcomer was told where it is: %v", mute, told)
				}
			})
	}
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
		known := f.race(t.Context(), id, newTally(id), func(addrs []ma.Multiaddr) {
			got = append(got, addrs...)
		},
			says(old, 100*time.Millisecond), says(fresh,
				100*time.Millisecond+moreAddrs/2), says(late, time.Minute))
		if took := time.Since(began); !known || len(got) != 2 || !got[0].Equal(old) ||
			!got[1].Equal(fresh) || took != 100*time.Millisecond+moreAddrs {
			t.Errorf("heard %v after %v: %v", got, took, known)
		}
	})
}

// Who could not tell the mesh where it is does so soon after it can.
func TestToldAtLast(t *testing.T) {
	for _, name := range []string{"lab", public} {
		for _, outage := range []time.Duration{publishWait + publishSoon, time.Hour} {
			inMeshWith(t, Config{Mesh: name},
				func(t *testing.T, w *world, server, member *resident, f *Finder) {
					member.run(f.Run)
					f.tries(1)
					w.dead.Store(server.ip.String(), true)
					time.Sleep(outage)
					w.dead.Delete(server.ip.String())
					member.becomes(t, true, server, 2*maxPause)
					if f.toldIn(2 * outage) {
						t.Fatalf("mesh %s was told at once: there is nothing to see here", name)
					}
					time.Sleep(30 * time.Second)
					if !f.toldIn(time.Minute) {
						t.Errorf("after %v mesh %s was not told", outage, name)
					}
					if name == public && !server.keepsBeacon(t, member) {
						t.Errorf("after %v nobody keeps the beacon", outage)
					}
				})
		}
	}
}

// keepsBeacon says whether a server of the public mesh keeps where a member is.
func (r *resident) keepsBeacon(t *testing.T, member *resident) bool {
	t.Helper()
	kept, err := r.dht.ProviderStore().GetProviders(t.Context(), beacon(member.host.ID()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(kept, func(info peer.AddrInfo) bool {
		return info.ID == member.host.ID() &&
			slices.ContainsFunc(info.Addrs, member.host.Addrs()[0].Equal)
	})
}

// The public mesh is told when somebody has taken it in, and not when it is written to a
// server that is gone without a word, or that refuses it.
func TestPublicMeshConfirms(t *testing.T) {
	for name, spoil := range map[string]func(w *world, server *resident){
		"none": func(*world, *resident) {},
		"cut":  func(w *world, server *resident) { w.dead.Store(server.ip.String(), true) },
		"refused": func(_ *world, server *resident) {
			server.host.SetStreamHandler(mesh{public}.protocol(), func(s network.Stream) {
				s.Reset()
			})
		},
	} {
		inMeshWith(t, Config{Mesh: public, Unpublished: true},
			func(t *testing.T, w *world, server, member *resident, f *Finder) {
				member.run(f.Run)
				f.tries(1)
				spoil(w, server)
				to, err := pb.NewProtocolMessenger(confirmed{f.messages()})
				if err != nil {
					t.Fatal(err)
				}
				self := peer.AddrInfo{ID: member.host.ID(), Addrs: member.host.Addrs()}
				err = to.PutProviderAddrs(t.Context(), server.host.ID(), beacon(self.ID).Hash(), self)
				if kept := server.keepsBeacon(t, member); kept != (err == nil) ||
					kept != (name == "none") {
					t.Errorf("%s: kept is %v, and %v", name, kept, err)
				}
			})
	}
}

// Who was alone for hours tells the mesh where it is as soon as somebody has come, who is
// in its table only a few round trips after it was met.
func TestToldByWhoWasAlone(t *testing.T) {
	inMeshWith(t, Config{}, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.router.LatencyFunc = func(*simnet.Packet) time.Duration { return 125 * time.Millisecond }
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		time.Sleep(5 * time.Hour)
		w.addServer()
		newcomer := w.servers[1].host
		if err := newcomer.Connect(t.Context(),
			peer.AddrInfo{ID: member.host.ID(), Addrs: member.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(publishNow)
		if f.dht.RoutingTable().Size() > 0 {
			t.Fatal("the newcomer is in the table at once: there is nothing to see here")
		}
		time.Sleep(time.Minute) // to tell takes a while, as the newcomer names the dead server
		if !f.toldIn(time.Minute) {
			t.Errorf("the newcomer was not told: %d in the table", f.dht.RoutingTable().Size())
		}
	}, libp2p.UDPBlackHoleSuccessCounter(nil)) // as in a node
}

// A clock that was ahead may be set back: those who keep our record take a new one all the same.
func TestToldWithClockSetBack(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		member.run(f.Run)
		f.tries(1)
		ahead := nextSeq(0, time.Now().Add(maxAhead/2))
		if err := f.put(t.Context(), member.host.Addrs(), ahead); err != nil {
			t.Fatal(err)
		}
		(&publisher{finder: f}).tell(t.Context())
		if f.toldIn(time.Hour) {
			t.Fatal("an older record is taken: there is nothing to see here")
		}
		(&publisher{finder: f, seq: ahead}).tell(t.Context())
		if !f.toldIn(time.Hour) {
			t.Error("the next record is not taken")
		}
	})
}
