package discovery

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// The parameters of TestFindingUnderChurn. docs/reachability.md has figures of larger ones.
var (
	churnMembers  = flag.Int("churn.members", 10, "servers of the mesh's DHT")
	churnReplaced = flag.Int("churn.replaced", 80, "percent of them that are replaced")
	churnTime     = flag.Duration("churn.time", 2*time.Second, "the time that this takes")
	churnTargets  = flag.Int("churn.targets", 1, "peers to find")
)

// TestFindingUnderChurn measures how much it helps that peers publish their addresses. Most
// of the mesh is replaced without a notice, while the targets, which nobody can dial, keep
// few connections. Then newcomers look for them. The hosts are on a simulated network with
// 40 to 200 ms between them.
func TestFindingUnderChurn(t *testing.T) {
	for _, name := range []meshName{"lab", public} {
		t.Run(string(name), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { findUnderChurn(t, name) })
		})
	}
}

func findUnderChurn(t *testing.T, name meshName) {
	w := newWorld(t, name)
	defer w.close()
	for range *churnMembers {
		w.addServer()
	}
	var targets []*resident
	for range *churnTargets {
		targets = append(targets, w.addTarget())
		time.Sleep(5 * time.Second) // not all at once
	}
	time.Sleep(time.Minute)
	gone := *churnMembers * *churnReplaced / 100
	for range gone {
		for _, target := range targets {
			target.trim()
		}
		w.killServer()
		w.addServer()
		time.Sleep(*churnTime / time.Duration(gone))
	}
	found := map[string]times{}
	for i, target := range targets {
		ways := []way{{"FindPeer alone", (*mesh).bareLookUp},
			{"FindPeer and what is published", (*mesh).lookUp}}
		// a search drops members that are gone, which makes the next one faster
		if i%2 > 0 {
			slices.Reverse(ways)
		}
		for _, way := range append(ways, way{"what is published alone", (*mesh).publishedLookUp}) {
			if took := w.measure(target, way.look); took > 0 {
				found[way.name] = append(found[way.name], took)
			}
		}
	}
	t.Logf("%d servers, %d replaced in %v; targets keep %d connections", *churnMembers,
		gone, *churnTime, few)
	for _, way := range slices.Sorted(maps.Keys(found)) {
		t.Logf("%-31s found %v", way, found[way])
	}
	for _, way := range []string{"FindPeer and what is published", "what is published alone"} {
		if len(found[way]) == 0 {
			t.Errorf("%s: found none of %d", way, *churnTargets)
		}
	}
}

// way is a way to look for a peer.
type way struct {
	name string
	look func(*mesh, context.Context, *query) bool
}

// bareLookUp does without what peers publish.
func (m *mesh) bareLookUp(ctx context.Context, q *query) bool {
	q.tally = newTally(q.id)
	return m.race(ctx, q, m.findPeer)
}

// publishedLookUp looks only for what the peer has published.
func (m *mesh) publishedLookUp(ctx context.Context, q *query) bool {
	q.tally = newTally(q.id)
	if m.name.isPrivate() {
		return m.race(ctx, q, m.findRecord)
	}
	return m.race(ctx, q, m.findProvider)
}

// times are how long it took to find peers.
type times []time.Duration

func (t times) String() string {
	slices.Sort(t)
	return fmt.Sprintf("%d of %d, p50 %v, worst %v", len(t), *churnTargets,
		t[len(t)/2].Round(time.Millisecond), t[len(t)-1].Round(time.Millisecond))
}

// measure has a newcomer look for the target, and returns how long that took, or 0 if the
// target was not found.
func (w *world) measure(target *resident,
	look func(*mesh, context.Context, *query) bool) (took time.Duration) {
	r := w.add()
	defer r.stop()
	f := w.join(r)
	if err := f.mesh.joinThrough(context.Background(), f.mesh.peers.list[0].AddrInfo); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	look(f.mesh, ctx, &query{id: target.host.ID(), found: func(addrs []ma.Multiaddr) {
		if took == 0 && slices.ContainsFunc(addrs, target.host.Addrs()[0].Equal) {
			took = time.Since(began)
		}
	}})
	return took
}
