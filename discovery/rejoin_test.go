package discovery

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// A member whose bootstrap peer is gone for good comes back through others that it met.
func TestRejoinThroughCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	boot := newMember(t, newHost(t))
	second := newMember(t, newHost(t), boot)
	knows(t, boot.mesh.dht, second.host.ID())
	first := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	knows(t, first.mesh.dht, second.host.ID())
	connected(t, first, second.host.ID())
	first.stop()
	boot.stop()

	again := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	target := newMember(t, newHost(t), second)
	knows(t, second.mesh.dht, target.host.ID())
	if addrs, err := again.find(t, target.host.ID()); err != nil ||
		!slices.ContainsFunc(addrs, target.host.Addrs()[0].Equal) {
		t.Errorf("found %v, %v", addrs, err)
	}
	again.stop()

	if err := os.WriteFile(file, []byte(`{"peers":{"`), 0o600); err != nil {
		t.Fatal(err)
	}
	lost := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	if _, err := lost.find(t, target.host.ID()); err == nil ||
		!strings.Contains(err.Error(), "has no peers yet") {
		t.Errorf("without a cache: %v", err)
	}
}

// A member whose bootstrap peer is gone for good comes back after an outage in which the
// DHT has dropped all members: through those that it has met since its start, when a
// lookup needs the mesh, when the machine moves, or else with the next attempt to reach
// the bootstrap peer.
func TestRejoinAfterOutage(t *testing.T) {
	for name, test := range map[string]struct {
		back  func(t *testing.T, f *Finder, target *resident)
		limit time.Duration
	}{
		"lookup": {func(t *testing.T, f *Finder, target *resident) {
			ctx, found := context.WithCancel(t.Context())
			if err := f.mesh.find(ctx, target.host.ID(),
				func([]ma.Multiaddr) { found() }); err != nil {
				t.Error(err)
			}
		}, 2 * time.Second},
		"moved":     {func(_ *testing.T, f *Finder, _ *resident) { f.Moved() }, time.Second},
		"by itself": {func(*testing.T, *Finder, *resident) {}, 2 * maxPause},
	} {
		t.Run(name, func(t *testing.T) {
			// as in a node: otherwise libp2p stops dialling after some hundred failures
			host := []libp2p.Option{libp2p.UDPBlackHoleSuccessCounter(nil)}
			run := func(t *testing.T, w *world, server, member *resident, f *Finder) {
				for range 6 {
					w.addServer()
				}
				member.run(f.Run)
				f.waitForAttempts(1)
				time.Sleep(time.Minute) // it finds the closest members
				for _, conn := range member.host.Network().Conns() {
					f.Reached(conn, time.Time{})
				}
				f.loseMesh(t, w, server, member)
				w.dead.Delete(member.ip.String())
				target := w.add()
				through := w.servers[len(w.servers)-1].host
				if err := target.host.Connect(t.Context(),
					peer.AddrInfo{ID: through.ID(), Addrs: through.Addrs()}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				test.back(t, f, target)
				for f.mesh.isEmpty() && time.Since(began) <= test.limit {
					time.Sleep(10 * time.Millisecond)
				}
				took := time.Since(began)
				if t.Logf("back after %v", took); took > test.limit {
					t.Errorf("not back after %v", took)
				}
			}
			inMeshOf(t, Config{}, host, run, Unpublished())
		})
	}
}

// loseMesh takes the bootstrap peer away for good, and the member's network until its
// routing table is empty.
func (f *Finder) loseMesh(t *testing.T, w *world, server, member *resident) {
	t.Helper()
	w.dead.Store(server.ip.String(), true)
	server.stop()
	w.dead.Store(member.ip.String(), true)
	for began := time.Now(); time.Since(began) < 5*time.Minute; time.Sleep(time.Minute) {
		if err := f.mesh.find(t.Context(), newID(t), func([]ma.Multiaddr) {}); err == nil {
			t.Error("found a peer without a network")
		}
	}
	f.waitForAttempts(1)
	// no attempt is under way after that, and none starts before its pause is over
	time.Sleep(joinTimeout + rejoinWait)
	if n := f.mesh.size(); n > 0 || f.mesh.rejoining.Load() {
		t.Fatalf("%d members are known, or an attempt is under way", n)
	}
}

// If all members are gone, the error says that the mesh has no peers, and not that none of
// them knows the target.
func TestMeshThatIsGone(t *testing.T) {
	boot := newMember(t, newHost(t))
	left := newMember(t, newHost(t), boot)
	knows(t, left.mesh.dht, boot.host.ID())
	boot.stop()
	if _, err := left.find(t, newID(t)); err == nil ||
		!strings.Contains(err.Error(), "has no peers yet") {
		t.Errorf("got %v", err)
	}
}

// A bootstrap peer is found behind a DNS name that others share, and a name that is never
// resolved does not delay it.
func TestBootstrapBehindNames(t *testing.T) {
	boot := newMember(t, newHost(t))
	to := "/p2p/" + boot.host.ID().String()
	cfg := Config{
		Bootstrap: []string{"/dnsaddr/silent.example" + to, "/dnsaddr/mesh.example" + to},
		Resolve: func(ctx context.Context, name ma.Multiaddr) ([]ma.Multiaddr, error) {
			if strings.Contains(name.String(), "silent") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []ma.Multiaddr{
				ma.StringCast("/ip4/192.0.2.1/tcp/4433/p2p/" + newID(t).String()),
				ma.StringCast(boot.at + to),
			}, nil
		},
	}
	m := newMemberWith(t, newHost(t), cfg)
	connected(t, m, boot.host.ID())
	for _, addr := range m.host.Peerstore().Addrs(boot.host.ID()) {
		if strings.Contains(addr.String(), "192.0.2.1") {
			t.Errorf("%s belongs to another peer", addr)
		}
	}
}
