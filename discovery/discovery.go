package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/trace"
)

// Finder finds peers. Its methods may be called at any time, from any goroutine.
type Finder struct {
	host  host.Host
	name  meshName
	log   *slog.Logger
	cache *cache
	lan   *lan         // nil without mDNS
	mesh  *mesh        // nil in the mesh "none"
	tasks *tasks.Group // what a method has started and may leave behind; Close waits for it
}

// New checks the configuration. Nothing is sent before Run.
func New(cfg Config, options ...Option) (*Finder, error) {
	for _, option := range options {
		option(&cfg)
	}
	cfg.setDefaults()
	name, err := parseMesh(cfg.Mesh)
	if err != nil {
		return nil, err
	}
	configured, err := parseBootstrap(name, cfg.Bootstrap, cfg.Host.ID())
	if err != nil {
		return nil, err
	}
	f := &Finder{
		host:  cfg.Host,
		name:  name,
		log:   cfg.Log,
		cache: loadCache(cfg.Cache, cfg.Log),
		tasks: tasks.New(),
	}
	if name != none {
		if f.mesh, err = newMesh(f, cfg, configured); err != nil {
			return nil, fmt.Errorf("join mesh %q: %w", name, err)
		}
	}
	if !cfg.NoMDNS {
		f.lan = newLAN(f.host, name.service(), cfg.MDNS, f.log)
		f.lan.sighted = cfg.Sighted
		if f.mesh != nil {
			f.lan.join, f.lan.browsed = f.mesh.joinThroughNeighbour, f.mesh.peers.attempted
		}
	}
	if cfg.introducer != nil {
		*cfg.introducer = f.introduce
	}
	return f, nil
}

// Run joins the mesh and stays in it until ctx ends, and saves the cache. It returns nil
// when everything that it started has ended.
func (f *Finder) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { f.cache.run(ctx, f.mesh.redialable) })
	if f.lan != nil {
		group.Go(func() { f.lan.run(ctx) })
	}
	if f.mesh != nil {
		group.Go(func() { f.mesh.run(ctx) })
	}
	group.Wait()
	<-ctx.Done()
	return nil
}

// Close ends what the other methods may have left behind, and the DHT.
func (f *Finder) Close() error {
	f.tasks.End()
	f.tasks.Wait()
	if f.mesh == nil {
		return nil
	}
	return f.mesh.dht.Close()
}

// Moved tells the Finder that this machine is in another network or has other addresses.
// The Finder then publishes the new addresses, searches the local network again, and
// returns to the mesh at once.
func (f *Finder) Moved() {
	if f.lan != nil {
		signal(f.lan.restart)
	}
	if f.mesh != nil {
		f.mesh.moved()
	}
}

// lanWait is how long Find waits for the first search of the local network if the mesh
// does not know the peer.
const lanWait = 1500 * time.Millisecond

// Find calls found with addresses of the peer as they become known, from any goroutine
// and maybe more than once. It returns when all sources are exhausted or ctx ends: nil if
// found was called, and otherwise what each source answered.
func (f *Finder) Find(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.tasks.Context(), cancel)()

	report := reportOf(ctx)
	cached := f.cache.addrs(id)
	if len(cached) > 0 {
		report.found(trace.Cache, found)(cached)
	}
	var group sync.WaitGroup
	errLAN, errMesh := errNotAsked, errNotAsked
	lanCtx, endLAN := context.WithCancel(ctx)
	defer endLAN()
	began := time.Now()
	if f.lan != nil {
		group.Go(func() {
			errLAN = report.failed(trace.MDNS,
				f.lan.find(lanCtx, id, report.found(trace.MDNS, found)))
		})
	}
	if f.mesh != nil {
		group.Go(func() {
			errMesh = report.failed(trace.DHT,
				f.mesh.find(ctx, id, report.found(trace.DHT, found)))
			if !f.mesh.isEmpty() { // a working mesh knows most of the peers that are near, too
				time.AfterFunc(lanWait-time.Since(began), endLAN)
			}
		})
	}
	group.Wait()
	if len(cached) > 0 || errLAN == nil || errMesh == nil {
		return nil
	}
	return f.notFound(errMesh, errLAN)
}

// errNotAsked stands for a source that is turned off.
var errNotAsked = errors.New("not asked")

// notFound joins what the sources answered.
func (f *Finder) notFound(answers ...error) error {
	var reasons []string
	for _, err := range answers {
		if err != errNotAsked {
			reasons = append(reasons, err.Error())
		}
	}
	if len(reasons) == 0 {
		return fmt.Errorf("no address of it is known, and there is nowhere to look: "+
			"the mesh is %q and mDNS is off", f.name)
	}
	return errors.New(strings.Join(append(reasons, "no address of it is remembered"), "; "))
}

// signal leaves a token in c unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
