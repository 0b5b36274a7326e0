package discovery

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/marcopolo/simnet"
)

// A member that could not publish its addresses does so soon after it can.
func TestPublishedAfterOutage(t *testing.T) {
	for _, name := range []meshName{"lab", public} {
		for _, outage := range []time.Duration{publishTimeout + publishDelay, time.Hour} {
			test := func(t *testing.T, w *world, server, member *resident, f *Finder) {
				member.run(f.Run)
				f.waitForAttempts(1)
				w.dead.Store(server.ip.String(), true)
				time.Sleep(outage)
				w.dead.Delete(server.ip.String())
				member.waitFor(t, true, server, 2*maxPause)
				if f.mesh.publisher.publishedWithin(2 * outage) {
					t.Fatalf("mesh %s: published at once, so this test shows nothing", name)
				}
				time.Sleep(30 * time.Second)
				if !f.mesh.publisher.publishedWithin(time.Minute) {
					t.Errorf("mesh %s: not published after %v", name, outage)
				}
				if name == public && !server.isProvided(t, member) {
					t.Errorf("no server keeps the provider record after %v", outage)
				}
			}
			inMeshWith(t, Config{Mesh: string(name)}, test)
		}
	}
}

// isProvided reports whether a server of the public mesh keeps where a member is.
func (r *resident) isProvided(t *testing.T, member *resident) bool {
	t.Helper()
	kept, err := r.dht.ProviderStore().GetProviders(t.Context(),
		providerKey(member.host.ID()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(kept, func(info peer.AddrInfo) bool {
		return info.ID == member.host.ID() &&
			slices.ContainsFunc(info.Addrs, member.host.Addrs()[0].Equal)
	})
}

// A provider record counts as published when a server has stored it, not when it was
// written to one that is gone or refuses it.
func TestProvideIsConfirmed(t *testing.T) {
	for name, spoil := range map[string]func(w *world, server *resident){
		"stored": func(*world, *resident) {},
		"gone":   func(w *world, server *resident) { w.dead.Store(server.ip.String(), true) },
		"refused": func(_ *world, server *resident) {
			server.host.SetStreamHandler(public.protocol(), func(s network.Stream) { s.Reset() })
		},
	} {
		test := func(t *testing.T, w *world, server, member *resident, f *Finder) {
			member.run(f.Run)
			f.waitForAttempts(1)
			spoil(w, server)
			to, err := pb.NewProtocolMessenger(confirmedRPC{f.mesh.rpc()})
			if err != nil {
				t.Fatal(err)
			}
			self := peer.AddrInfo{ID: member.host.ID(), Addrs: member.host.Addrs()}
			key := providerKey(self.ID).Hash()
			err = to.PutProviderAddrs(t.Context(), server.host.ID(), key, self)
			if kept := server.isProvided(t, member); kept != (err == nil) ||
				kept != (name == "stored") {
				t.Errorf("%s: kept is %v, and the error %v", name, kept, err)
			}
		}
		inMeshWith(t, Config{Mesh: string(public)}, test, Unpublished())
	}
}

// A member that was alone for hours publishes its addresses as soon as another comes,
// which enters its routing table a few round trips after they have met.
func TestPublishedAfterLoneliness(t *testing.T) {
	test := func(t *testing.T, w *world, server, member *resident, f *Finder) {
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
		time.Sleep(publishFastDelay)
		if !f.mesh.isEmpty() {
			t.Fatal("the newcomer is in the routing table at once, so this test shows nothing")
		}
		time.Sleep(time.Minute) // the newcomer names the dead server, which takes time
		if !f.mesh.publisher.publishedWithin(time.Minute) {
			t.Errorf("not published, with %d members in the routing table", f.mesh.size())
		}
	}
	// as in a node: otherwise libp2p stops dialling after some hundred failures
	host := []libp2p.Option{libp2p.UDPBlackHoleSuccessCounter(nil)}
	inMeshOf(t, Config{}, host, test)
}

// After a clock that was ahead is set back, the members that keep our record still take a
// new one.
func TestPublishedWithClockSetBack(t *testing.T) {
	inMesh(t, func(t *testing.T, _ *world, _, member *resident, f *Finder) {
		member.run(f.Run)
		f.waitForAttempts(1)
		p := f.mesh.publisher
		ahead := nextSeq(0, time.Now().Add(maxClockSkew/2))
		if err := p.publish(t.Context(), member.host.Addrs(), ahead); err != nil {
			t.Fatal(err)
		}
		(&publishLoop{publisher: p}).check(t.Context())
		if p.publishedWithin(time.Hour) {
			t.Fatal("an older record is taken, so this test shows nothing")
		}
		(&publishLoop{publisher: p, seq: ahead}).check(t.Context())
		if !p.publishedWithin(time.Hour) {
			t.Error("the next record is not taken")
		}
	})
}
