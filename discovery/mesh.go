package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	kbucket "github.com/libp2p/go-libp2p-kbucket"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/cell-mesh/cell/internal/tasks"
)

// mesh is our membership in the mesh: bootstrap joins it, publisher tells it where we
// are, and find asks it for a peer.
type mesh struct {
	*kad
	*bootstrap
	publisher   *publisher
	unpublished bool
	onLookup    func(Lookup)
}

// kad is the mesh's DHT, which the parts of a mesh share.
type kad struct {
	name  meshName
	host  host.Host
	log   *slog.Logger
	dht   *dht.IpfsDHT
	tasks *tasks.Group
}

// newMesh joins nothing yet.
func newMesh(f *Finder, cfg Config, configured []peer.AddrInfo) (*mesh, error) {
	table, err := f.name.newDHT(f.host)
	if err != nil {
		return nil, err
	}
	k := &kad{f.name, f.host, f.log, table, f.tasks}
	m := &mesh{
		kad:         k,
		publisher:   newPublisher(k, func() { signal(f.cache.dirty) }),
		unpublished: cfg.unpublished,
		onLookup:    cfg.onLookup,
		bootstrap: &bootstrap{
			kad:     k,
			cache:   f.cache,
			resolve: cfg.Resolve,
			reached: func(conn network.Conn) { f.Reached(conn, time.Time{}) },
			peers:   newBootstrapPeers(configured, f.cache.latest(maxRejoin), !cfg.NoMDNS),
		},
	}
	return m, nil
}

// run joins the mesh and stays in it until ctx ends.
func (m *mesh) run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	lost := &network.NotifyBundle{DisconnectedF: m.peers.disconnected}
	m.host.Network().Notify(lost)
	defer m.host.Network().StopNotify(lost)
	for _, p := range m.peers.list {
		group.Go(func() { m.keep(ctx, p) })
	}
	group.Go(func() { m.refresh(ctx) })
	if !m.unpublished {
		group.Go(func() { m.publisher.run(ctx) })
	}
	<-ctx.Done()
}

// moved returns to the mesh at once and publishes our new addresses.
func (m *mesh) moved() {
	signal(m.publisher.moved)
	m.peers.wakeAll()
	if m.isEmpty() {
		m.rejoin()
	} else {
		m.dht.RefreshRoutingTable()
	}
}

const (
	// refreshWait bounds the search for the members closest to us.
	refreshWait = 30 * time.Second
	// refreshEvery is how often it is repeated, and fullRefreshEvery how many times until
	// the whole routing table is refreshed instead.
	refreshEvery     = 10 * time.Minute
	fullRefreshEvery = 6
)

// refresh connects to the members closest to us from time to time, so that they can say
// where we are, and sometimes to members at every other distance.
func (m *mesh) refresh(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		// random, so that the members of a mesh do not all refresh at the same moment
		case <-time.After(refreshEvery - rand.N(refreshEvery/8)):
		case <-ctx.Done():
			return
		}
		switch {
		case n%fullRefreshEvery == 0:
			m.dht.RefreshRoutingTable()
		case m.name.isPrivate() && m.publisher.publishedWithin(refreshEvery):
			// publishing connects to the same members
		default:
			m.refreshClosest()
		}
	}
}

// refreshClosest connects to the members closest to us.
func (k *kad) refreshClosest() {
	ctx, cancel := context.WithTimeout(k.tasks.Context(), refreshWait)
	defer cancel()
	if _, err := k.closest(network.WithAllowLimitedConn(ctx, "join")); err != nil {
		k.log.Debug("can't find the closest members", "mesh", k.name, "err", err)
	}
}

// closest finds the members whose IDs are closest to ours, which are the ones that others
// ask about us. On the way it meets some at other distances. Filling the whole routing
// table takes some hundred connections and does not make peers easier to find; it fills
// with time.
func (k *kad) closest(ctx context.Context) ([]peer.ID, error) {
	return k.dht.GetClosestPeers(ctx, recordKey(k.host.ID()))
}

// size returns how many members the routing table has.
func (k *kad) size() int { return k.dht.RoutingTable().Size() }

func (k *kad) isEmpty() bool { return k.size() == 0 }

// add puts a member into the routing table.
func (k *kad) add(id peer.ID) (added bool, err error) {
	return k.dht.RoutingTable().TryAddPeer(id, true, false)
}

// introduce adds members without asking them, as many as there is room for.
func (f *Finder) introduce(members ...peer.AddrInfo) error {
	if f.mesh == nil {
		return nil
	}
	for _, m := range members {
		added, err := f.mesh.add(m.ID)
		if err != nil && !errors.Is(err, kbucket.ErrPeerRejectedNoCapacity) {
			return fmt.Errorf("introduce %s: %w", m.ID, err)
		}
		if added {
			f.host.Peerstore().AddAddrs(m.ID, m.Addrs, peerstore.PermanentAddrTTL)
		}
	}
	return nil
}

// redialable returns connections to some servers through which the mesh can be joined
// again without a bootstrap peer.
func (m *mesh) redialable() (conns []network.Conn) {
	if m == nil {
		return nil
	}
	for _, id := range m.dht.RoutingTable().ListPeers() {
		for _, conn := range m.host.Network().ConnsToPeer(id) {
			if isRedialable(conn) {
				conns = append(conns, conn)
				break
			}
		}
		if len(conns) == 2*maxRejoin {
			break
		}
	}
	return conns
}
