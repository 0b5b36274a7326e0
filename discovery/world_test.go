package discovery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
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
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
)

// world is a mesh on a simulated network.
type world struct {
	t       *testing.T
	mesh    meshName
	router  simnet.VariableLatencyRouter
	routing sync.WaitGroup
	dead    sync.Map    // the IP addresses whose packets are dropped
	count   int         // of hosts so far
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

func newWorld(t *testing.T, name meshName) *world {
	w := &world{t: t, mesh: name}
	w.router.CloseSignal = make(chan struct{})
	w.router.LatencyFunc = func(p *simnet.Packet) time.Duration {
		a, b := p.From.(*net.UDPAddr).IP.To4(), p.To.(*net.UDPAddr).IP.To4()
		spread := int(a[2]^b[2]+a[3]^b[3]) * 7919 % 80
		return time.Duration(20+spread) * time.Millisecond
	}
	w.router.Start(&w.routing)
	return w
}

// newSteadyWorld makes a world with the same round-trip time between all hosts.
func newSteadyWorld(t *testing.T, rtt time.Duration) *world {
	w := newWorld(t, "lab")
	w.router.LatencyFunc = func(*simnet.Packet) time.Duration { return rtt / 2 }
	return w
}

func (w *world) close() {
	for _, r := range w.all {
		r.stop()
	}
	close(w.router.CloseSignal)
	w.routing.Wait()
}

// RecvPacket is called with each packet that a host sends.
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
		libp2p.QUICReuse(func(key quic.StatelessResetKey,
			tokens quic.TokenGeneratorKey) (_ *quicreuse.ConnManager, err error) {
			sockets, err = quicreuse.NewConnManager(key, tokens,
				quicreuse.OverrideListenUDP(listen),
				quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) {
					return source(r.ip), nil
				}))
			return sockets, err
		}),
		libp2p.ConnectionManager(connmgr.NullConnMgr{}),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(), libp2p.Ping(false),
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

// source is the IP address that a host sends from.
type source net.IP

func (s source) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IP(s), nil
}

// few is how many connections a target keeps: servers drop the others.
const few = 2

// join makes a Finder that does not run, and is closed before its host.
func (w *world) join(r *resident) *Finder {
	cfg := Config{Host: r.host, Mesh: string(w.mesh), NoMDNS: true}
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

// through makes a newcomer that knows only one server.
func (w *world) through(server *resident) *Finder {
	r := w.add()
	f := w.join(r)
	if err := r.host.Connect(w.t.Context(), peer.AddrInfo{ID: server.host.ID(),
		Addrs: server.host.Addrs()}); err != nil {
		w.t.Fatal(err)
	}
	f.mesh.add(server.host.ID())
	return f
}

func (r *resident) onStop(f func()) {
	then := r.stop
	r.stop = sync.OnceFunc(func() { f(); then() })
}

// addServer adds a server, in the public mesh one as others run it, in the state that it
// reaches after a while: all servers know each other.
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

// addTarget adds a peer that is not a server and publishes its addresses.
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

// run calls f until the resident stops.
func (r *resident) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	r.onStop(func() { cancel(); <-done })
}

// killServer removes the oldest server without a notice.
func (w *world) killServer() {
	w.dead.Store(w.servers[0].ip.String(), true)
	w.servers[0].stop()
	w.servers = w.servers[1:]
}

// trim closes all but few of the connections.
func (r *resident) trim() {
	conns := r.host.Network().Conns()
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	for _, conn := range conns[min(few, len(conns)):] {
		conn.Close()
	}
}

// waitFor waits until a host is connected to another, or is not, and returns how long
// that took.
func (r *resident) waitFor(t *testing.T, connected bool, to *resident,
	limit time.Duration) time.Duration {
	t.Helper()
	changes, err := r.host.EventBus().Subscribe(new(event.EvtPeerConnectednessChanged))
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Close()
	began, late := time.Now(), time.After(limit)
	for r.isConnected(to) != connected {
		select {
		case <-changes.Out():
		case <-late:
			t.Fatalf("connected is not %v after %v", connected, limit)
		}
	}
	return time.Since(began)
}

func (r *resident) isConnected(other *resident) bool {
	return r.host.Network().Connectedness(other.host.ID()) == network.Connected
}

// waitForAttempts waits until so many attempts to join the mesh have ended, and their
// pauses have begun.
func (f *Finder) waitForAttempts(times int) {
	for range times {
		f.mesh.peers.mu.Lock()
		changed := f.mesh.peers.changed
		f.mesh.peers.mu.Unlock()
		<-changed
	}
	synctest.Wait()
}

// meshTest is a test of a mesh with one server, which is the bootstrap peer of a member
// whose Finder is not running yet.
type meshTest func(t *testing.T, w *world, server, member *resident, f *Finder)

// inMesh runs a test in the mesh "lab" with a member that does not publish its addresses.
func inMesh(t *testing.T, test meshTest) { inMeshWith(t, Config{}, test, Unpublished()) }

func inMeshWith(t *testing.T, cfg Config, test meshTest, options ...Option) {
	inMeshOf(t, cfg, nil, test, options...)
}

// inMeshOf also takes options of the member's host.
func inMeshOf(t *testing.T, cfg Config, host []libp2p.Option, test meshTest, options ...Option) {
	if cfg.Mesh == "" {
		cfg.Mesh = "lab"
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, meshName(cfg.Mesh))
		defer w.close()
		w.addServer()
		server, member := w.servers[0], w.add(host...)
		cfg.Host, cfg.NoMDNS = member.host, true
		cfg.Bootstrap = []string{server.host.Addrs()[0].String() + "/p2p/" +
			server.host.ID().String()}
		f, err := New(cfg, options...)
		if err != nil {
			t.Fatal(err)
		}
		member.onStop(func() { f.Close() })
		test(t, w, server, member, f)
	})
}
