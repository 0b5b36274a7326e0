package discovery

import (
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// A bootstrap peer that comes late, or comes back, is joined again without a lookup:
// until then the member itself can't be found.
func TestBootstrapIsKept(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		f.waitForAttempts(3)
		w.dead.Delete(server.ip.String())
		member.waitFor(t, true, server, 2*maxPause)
		f.waitForAttempts(1)
		w.dead.Store(server.ip.String(), true)
		member.waitFor(t, false, server, 2*time.Minute)
		for !f.mesh.isEmpty() { // until the DHT has dropped the server, too
			f.waitForAttempts(1)
		}
		w.dead.Delete(server.ip.String())
		member.waitFor(t, true, server, 2*maxPause)
	})
}

// An overloaded bootstrap peer hangs up. A member that knows enough others leaves it alone
// for a while, and one that does not comes back.
func TestOverloadedBootstrapIsLeft(t *testing.T) {
	for _, known := range []int{enoughMembers - 1, 3 * enoughMembers} {
		inMesh(t, func(t *testing.T, _ *world, server, member *resident, f *Finder) {
			member.run(f.Run)
			f.waitForAttempts(1)
			for f.mesh.size() < known {
				if err := f.introduce(peer.AddrInfo{ID: newID(t)}); err != nil {
					t.Fatal(err)
				}
			}
			server.host.Network().ClosePeer(member.host.ID())
			member.waitFor(t, false, server, time.Minute)
			away := member.waitFor(t, true, server, 2*refreshEvery)
			if left := away > 4*maxPause; left != (known > enoughMembers) {
				t.Errorf("with %d members known, it was back after %v", known, away)
			}
		})
	}
}

// A bootstrap peer that refuses pings is alive, and calls to it go on. One that is silent
// is disconnected before the connection ends by itself.
func TestRefusalIsSignOfLife(t *testing.T) {
	const calls = "/calls"
	protocol := meshName("lab").protocol()
	for name, test := range map[string]struct {
		change func(server *resident)
		left   bool
	}{
		"leaves the mesh": {func(server *resident) {
			server.host.RemoveStreamHandler(protocol)
		}, false},
		"leaves it without a notice": {func(server *resident) {
			server.host.Mux().RemoveHandler(protocol)
		}, false},
		"is overloaded": {func(server *resident) {
			server.host.SetStreamHandler(protocol, func(s network.Stream) {
				s.ResetWithError(network.StreamResourceLimitExceeded)
			})
		}, false},
		"hangs up": {func(server *resident) {
			server.host.SetStreamHandler(protocol, func(s network.Stream) { s.Close() })
		}, false},
		"is silent": {func(server *resident) {
			server.host.SetStreamHandler(protocol, func(s network.Stream) {
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
				f.waitForAttempts(1)
				call, err := member.host.NewStream(t.Context(), server.host.ID(), calls)
				if err != nil {
					t.Fatal(err)
				}
				defer call.Reset()
				echo := func() error {
					if _, err := call.Write([]byte("a")); err != nil {
						return err
					}
					_, err := io.ReadFull(call, make([]byte, 1))
					return err
				}
				if err := echo(); err != nil {
					t.Fatal(err)
				}
				test.change(server)
				time.Sleep(3 * (pingEvery + rpcTimeout))
				if err := echo(); (err != nil) != test.left {
					t.Errorf("the call: %v", err)
				}
			})
		})
	}
}

// A machine that moves to another network returns to the mesh at once, even after a long
// outage.
func TestMovedReturnsToMesh(t *testing.T) {
	inMesh(t, func(t *testing.T, w *world, server, member *resident, f *Finder) {
		w.dead.Store(server.ip.String(), true)
		member.run(f.Run)
		f.waitForAttempts(8) // the pauses are about a minute now
		w.dead.Delete(server.ip.String())
		f.Moved()
		member.waitFor(t, true, server, 2*time.Second)
	})
}

// Members connect to those that come after them: one that publishes its addresses does so
// by publishing, and needs no search besides.
func TestNewcomersAreMet(t *testing.T) {
	for _, publishes := range []bool{false, true} {
		var options []Option
		if !publishes {
			options = append(options, Unpublished())
		}
		test := func(t *testing.T, w *world, _, member *resident, f *Finder) {
			member.run(f.Run)
			f.waitForAttempts(1)
			time.Sleep(time.Minute) // the first search, and the first publishing, are over
			w.addServer()
			if took := member.waitFor(t, true, w.servers[1],
				refreshEvery+time.Minute); took < time.Minute {
				t.Errorf("connected after %v, so this test shows nothing", took)
			}
			time.Sleep(time.Second) // storing takes as long again as connecting
			if f.mesh.publisher.publishedWithin(2*time.Second) != publishes {
				t.Errorf("publishes is %v, and the newcomer was told: %v", publishes, !publishes)
			}
		}
		inMeshWith(t, Config{}, test, options...)
	}
}
