package discovery

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
)

// How TestFindingUnderChurn goes. The figures of docs/reachability.md were made with more
// than the test needs.
var (
	churnMembers  = flag.Int("churn.members", 10, "servers of the mesh's DHT")
	churnReplaced = flag.Int("churn.replaced", 80, "percent of them that are replaced")
	churnTime     = flag.Duration("churn.time", 2*time.Second, "the time that this takes")
	churnTargets  = flag.Int("churn.targets", 1, "peers to find")
)

// few is how many connections the servers leave to a target: they have others to care for.
const few = 2

// TestFindingUnderChurn asks how much publishing oneself helps: most of the mesh is
// replaced, without a word, while the targets, whom nobody can call, are left with few
// connections; and then newcomers look for them. The hosts are on a simulated network, at
// 40 to 200 ms from each other, with a clock of its own.
func TestFindingUnderChurn(t *testing.T) {
	for _, name := range []string{"lab", public} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { findUnderChurn(t, mesh{name}) })
		})
	}
}

func findUnderChurn(t *testing.T, m mesh) {
	w := newWorld(t, m)
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
		ways := []way{{"FindPeer alone", (*Finder).bare},
			{"FindPeer and what is published", (*Finder).lookup}}
		// each search drops some of the dead from tables, which the next one has not to
		if i%2 > 0 {
			slices.Reverse(ways)
		}
		for _, way := range append(ways, way{"what is published alone", (*Finder).published}) {
			if took := w.measure(target, way.lookup); took > 0 {
				found[way.name] = append(found[way.name], took)
			}
		}
	}
	t.Logf("%d servers, %d replaced in %v; targets are left with %d connections", *churnMembers,
		gone, *churnTime, few)
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t.Logf("%-31s found %v", name, found[name])
	}
	for _, name := range []string{"FindPeer and what is published", "what is published alone"} {
		if len(found[name]) == 0 {
			t.Errorf("%s: none of %d were found", name, *churnTargets)
		}
	}
}

// way is one to look for a peer.
type way struct {
	name   string
	lookup func(*Finder, context.Context, peer.ID, func([]ma.Multiaddr)) bool
}

// bare is what there was before peers published themselves.
func (f *Finder) bare(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) bool {
	return f.race(ctx, id, newTally(id), found, f.findPeer)
}

// published is what came with that.
func (f *Finder) published(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) bool {
	if f.mesh.isPrivate() {
		return f.race(ctx, id, newTally(id), found, f.findRecord)
	}
	return f.race(ctx, id, newTally(id), found, f.findBeacon)
}

// world is a mesh on a simulated network.
type world struct {
	t       *testing.T
	mesh    mesh
	router  simnet.VariableLatencyRouter
	routing sync.WaitGroup
	dead    sync.Map    // of the addresses from and to which nothing goes any more
	count   int         // of hosts that there have been
	servers []*resident // the oldest first
	all     []*resident
}

// resident is a host of the world.
type resident struct {
	ip   net.IP
	host host.Host
	dht  *dht.IpfsDHT // of a server
	stop func()
}

func newWorld(t *testing.T, m mesh) *world {
	w := &world{t: t, mesh: m}
	w.router.CloseSignal = make(chan struct{})
	w.router.LatencyFunc = func(p *simnet.Packet) time.Duration {
		a, b := p.From.(*net.UDPAddr).IP.To4(), p.To.(*net.UDPAddr).IP.To4()
		return 20*time.Millisecond + time.Duration(int(a[2]^b[2]+a[3]^b[3])*7919%80)*time.Millisecond
	}
	w.router.Start(&w.routing)
	return w
}

func (w *world) close() {
	for _, r := range w.all {
		r.stop()
	}
	close(w.router.CloseSignal)
	w.routing.Wait()
}

// RecvPacket takes a packet in from a host.
func (w *world) RecvPacket(p *simnet.Packet) {
	for _, end := range []net.Addr{p.From, p.To} {
		if _, dead := w.dead.Load(end.(*net.UDPAddr).IP.String()); dead {
			return
		}
	}
	w.router.RecvPacket(p)
}

// add makes a host.
func (w *world) add(options ...libp2p.Option) *resident {
	w.count++
	r := &resident{ip: simnet.IntToPublicIPv4(w.count)}
	listen := func(_ string, at *net.UDPAddr) (net.PacketConn, error) {
		link := simnet.NewSimConn(at)
		link.SetUpPacketReceiver(w)
		w.router.AddNode(at, link)
		return link, nil
	}
	var sockets *quicreuse.ConnManager
	var err error
	r.host, err = libp2p.New(append(options,
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/4433/quic-v1", r.ip)),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.QUICReuse(func(key quic.StatelessResetKey, tokens quic.TokenGeneratorKey) (_ *quicreuse.ConnManager, err error) {
			sockets, err = quicreuse.NewConnManager(key, tokens,
				quicreuse.OverrideListenUDP(listen),
				quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) {
					return source(r.ip), nil
				}))
			return sockets, err
		}),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableMetrics(), libp2p.DisableRelay(), libp2p.DisableIdentifyAddressDiscovery(), libp2p.Ping(false),
	)...)
	if err != nil {
		w.t.Fatal(err)
	}
	r.stop = sync.OnceFunc(func() {
		r.host.Close()
		sockets.Close()
	})
	w.all = append(w.all, r)
	return r
}

// source is where a host sends from.
type source net.IP

func (s source) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IP(s), nil
}

// join makes a Finder that is not running, and is closed before its host.
func (w *world) join(r *resident) *Finder {
	cfg := Config{Host: r.host, Mesh: w.mesh.name, NoMDNS: true}
	for range few {
		through := w.servers[rand.N(len(w.servers))].host
		cfg.Bootstrap = append(cfg.Bootstrap,
			through.Addrs()[0].String()+"/p2p/"+through.ID().String())
	}
	f, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	r.onStop(func() { f.Close() })
	return f
}

func (r *resident) onStop(f func()) {
	then := r.stop
	r.stop = sync.OnceFunc(func() { f(); then() })
}

// addServer adds a server as in a private mesh, or as others run it in the public one,
// when it has settled there: it knows others, and they know it.
func (w *world) addServer() {
	r := w.add()
	var err error
	if w.mesh.isPrivate() {
		r.dht, err = w.mesh.newDHT(r.host)
	} else {
		r.dht, err = dht.New(r.host, dht.Mode(dht.ModeServer))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r.onStop(func() { r.dht.Close() })
	for _, other := range w.servers {
		r.meet(other)
		other.meet(r)
	}
	w.servers = append(w.servers, r)
}

func (r *resident) meet(other *resident) {
	r.host.Peerstore().AddAddrs(other.host.ID(), other.host.Addrs(), time.Hour)
	r.dht.RoutingTable().TryAddPeer(other.host.ID(), true, false)
}

// addTarget adds a peer that is no server, and tells the mesh where it is.
func (w *world) addTarget() *resident {
	r := w.add()
	reachability, err := r.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged),
		eventbus.Stateful)
	if err != nil {
		w.t.Fatal(err)
	}
	r.onStop(func() { reachability.Close() })
	reachability.Emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPrivate})
	r.run(w.join(r).Run)
	return r
}

// run runs something of a resident until that stops.
func (r *resident) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	r.onStop(func() { cancel(); <-done })
}

// killServer takes away the oldest server, without a word.
func (w *world) killServer() {
	w.dead.Store(w.servers[0].ip.String(), true)
	w.servers[0].stop()
	w.servers = w.servers[1:]
}

// trim leaves the target few of its connections.
func (r *resident) trim() {
	conns := r.host.Network().Conns()
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	for _, conn := range conns[min(few, len(conns)):] {
		conn.Close()
	}
}

// times are those after which peers were found.
type times []time.Duration

func (t times) String() string {
	slices.Sort(t)
	return fmt.Sprintf("%d of %d, p50 %v, worst %v", len(t), *churnTargets,
		t[len(t)/2].Round(time.Millisecond), t[len(t)-1].Round(time.Millisecond))
}

// measure has a newcomer look for the target, and returns how long it took, or 0 if it
// was not found.
func (w *world) measure(target *resident, lookup func(*Finder, context.Context, peer.ID, func([]ma.Multiaddr)) bool) (took time.Duration) {
	r := w.add()
	defer r.stop()
	f := w.join(r)
	if err := f.meet(context.Background(), f.boots.list[0].AddrInfo); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	began := time.Now()
	lookup(f, ctx, target.host.ID(), func(addrs []ma.Multiaddr) {
		if took == 0 && slices.ContainsFunc(addrs, target.host.Addrs()[0].Equal) {
			took = time.Since(began)
		}
	})
	return took
}
