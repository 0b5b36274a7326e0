// Package discovery finds a peer when nothing is known of it but its ID.
//
//	f, err := discovery.New(discovery.Config{Host: h, Mesh: "lab", Bootstrap: []string{"/ip4/…/p2p/12D3…"}})
//	go f.Run(ctx)
//	err = f.Find(ctx, id, func(addrs []ma.Multiaddr) { … })
//
// Everything that may know is asked at once, and each answer is passed on as it comes:
// the cache of addresses that worked before, the machines on the local network (mDNS),
// and the mesh, a distributed hash table (DHT) whose members tell each other who is
// where. There is one public mesh, the DHT of the IPFS network, in which we only ask; and
// any number of private ones, told apart by name, in which everyone who can also answers.
//
// It promises that Find ends soon, with a reason that a user can act on. It leaves
// dialling what was found, and whom to trust, to others: an address is a hint from
// strangers, and only a handshake with the ID is proof.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/trace"
)

// Config says where to look. Only Host must be filled.
type Config struct {
	// Host is the one to find peers for.
	Host host.Host
	// Mesh is "public", "none" or the name of a private mesh. If empty, public.
	Mesh string
	// Bootstrap are the peers of the mesh to begin with, as multiaddrs that end in
	// /p2p/ID. If empty, those built in for the public mesh.
	Bootstrap []string
	// Resolve returns the addresses behind one that has a name, each of which may end in
	// /p2p/ID. If nil, there are none.
	Resolve func(ctx context.Context, name ma.Multiaddr) ([]ma.Multiaddr, error)
	// NoMDNS turns off looking around in the local network.
	NoMDNS bool
	// MDNS makes what looks there and is seen there. If nil, libp2p's does.
	MDNS func(h host.Host, service string, found mdns.Notifee) mdns.Service
	// Looked is told of each search in the mesh once it is over, and does not wait. It may be nil.
	Looked func(Lookup)
	// Cache is a file of addresses that worked. If empty, they are forgotten at the end.
	Cache string
	// Unpublished keeps from telling the mesh where we are: one who serves in it is found
	// without, by those it is in touch with.
	Unpublished bool
	// Sighted is called with what the local network answers of a peer, and does not wait.
	// If nil, nothing is.
	Sighted func(peer.AddrInfo)
	// Log hears what the owner should know. If nil, nobody does.
	Log *slog.Logger
}

// Finder finds peers. Its methods may be called at any time, from any goroutine.
type Finder struct {
	host    host.Host
	mesh    mesh
	told    func(Lookup)
	resolve func(context.Context, ma.Multiaddr) ([]ma.Multiaddr, error)
	log     *slog.Logger
	dht     *dht.IpfsDHT // nil in the mesh "none"
	near    *near        // nil without mDNS
	cache   *cache
	moved   chan struct{} // holds a token when our addresses may have changed
	mute    bool          // does not tell the mesh where we are
	boots   *boots

	rejoins   atomic.Bool               // rejoin is under way
	announced atomic.Pointer[time.Time] // when the mesh was last told where we are; nil if never

	tasks *tasks.Group // lookups that nobody waits for any more
}

// New checks the configuration and joins nothing yet: that is for Run.
func New(cfg Config) (*Finder, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MDNS == nil {
		cfg.MDNS = func(h host.Host, service string, found mdns.Notifee) mdns.Service {
			return mdns.NewMdnsService(h, service, found)
		}
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(context.Context, ma.Multiaddr) ([]ma.Multiaddr, error) {
			return nil, nil
		}
	}
	if cfg.Looked == nil {
		cfg.Looked = func(Lookup) {}
	}
	m, err := parseMesh(cfg.Mesh)
	if err != nil {
		return nil, err
	}
	boots, err := parseBootstrap(m, cfg.Bootstrap, cfg.Host.ID())
	if err != nil {
		return nil, err
	}
	f := &Finder{
		host:    cfg.Host,
		told:    cfg.Looked,
		resolve: cfg.Resolve,
		mute:    cfg.Unpublished,
		mesh:    m,
		log:     cfg.Log,
		cache:   loadCache(cfg.Cache, cfg.Log),
		moved:   make(chan struct{}, 1),
	}
	if f.dht, err = m.newDHT(cfg.Host); err != nil {
		return nil, fmt.Errorf("join mesh %q: %w", m.name, err)
	}
	f.tasks = tasks.New()
	if !cfg.NoMDNS {
		f.near = newNear(f, cfg.MDNS)
		f.near.sighted = cfg.Sighted
	}
	var cached []peer.AddrInfo
	if f.dht != nil {
		cached = f.cache.latest(maxRejoin)
	}
	f.boots = newBoots(boots, cached, f.near != nil)
	return f, nil
}

// Run joins the mesh and stays in it until ctx ends, and saves the cache. It returns nil
// when all that it began has ended.
func (f *Finder) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	lost := &network.NotifyBundle{DisconnectedF: f.boots.disconnected}
	f.host.Network().Notify(lost)
	defer f.host.Network().StopNotify(lost)

	group.Go(func() { f.cache.run(ctx, f.contacts) })
	if f.near != nil {
		group.Go(func() { f.near.run(ctx) })
	}
	for _, b := range f.boots.list {
		group.Go(func() { f.keep(ctx, b) })
	}
	if f.dht != nil {
		group.Go(func() { f.refresh(ctx) })
	}
	if f.dht != nil && !f.mute {
		group.Go(func() { f.publish(ctx) })
	}
	<-ctx.Done()
	return nil
}

// Close ends what Find may have left behind, and the DHT.
func (f *Finder) Close() error {
	f.tasks.End()
	f.tasks.Wait()
	if f.dht == nil {
		return nil
	}
	return f.dht.Close()
}

// Find calls found with addresses of the peer as they become known, from any goroutine
// and perhaps more than once, and returns when nobody is left to ask or ctx ends. It
// returns nil if found was called.
func (f *Finder) Find(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.tasks.Context(), cancel)()

	told := hears(ctx)
	cached := f.cache.get(id)
	if len(cached) > 0 {
		told.from(trace.Cache, found)(cached)
	}
	var group sync.WaitGroup
	errNear, errFar := errNotAsked, errNotAsked
	looking, enough := context.WithCancel(ctx)
	defer enough()
	began := time.Now()
	if f.near != nil {
		group.Go(func() {
			errNear = told.nothing(trace.MDNS,
				f.near.find(looking, id, told.from(trace.MDNS, found)))
		})
	}
	if f.dht != nil {
		group.Go(func() {
			errFar = told.nothing(trace.DHT, f.findFar(ctx, id, told.from(trace.DHT, found)))
			if f.dht.RoutingTable().Size() > 0 { // who is in the mesh is hardly near and not
				time.AfterFunc(nearWait-time.Since(began), enough)
			}
		})
	}
	group.Wait()
	if len(cached) > 0 || errNear == nil || errFar == nil {
		return nil
	}
	return f.unknown(errFar, errNear)
}

// unknown names all who were asked for a peer, in vain.
func (f *Finder) unknown(answers ...error) error {
	var told []string
	for _, err := range answers {
		if err != errNotAsked {
			told = append(told, err.Error())
		}
	}
	if len(told) == 0 {
		return fmt.Errorf("no address of it is known, and there is nowhere to look: the mesh is %q and mDNS is off", f.mesh.name)
	}
	return errors.New(strings.Join(append(told, "no address of it is remembered"), "; "))
}

// errNotAsked stands for a source that there is not.
var errNotAsked = errors.New("not asked")
