// Package nat finds out whether peers on the Internet can reach this machine, and where.
//
//	m := nat.New(nat.Config{Listen: ips, Port: 4433, Judged: …, Moved: …, Tasks: group})
//	h, err := libp2p.New(m.Options()…)
//	err = m.Start(h, conns) // calls Judged with a first guess
//	go m.Run(ctx)           // calls Judged each time that the verdict changes
//
// Probes by peers (AutoNAT v2) decide, but they take seconds to minutes and nobody should
// wait for them. So there is a best guess from the first second: a machine with a public
// IPv4 address on one of its interfaces counts as reachable, and a machine without one
// that is in touch with the Internet counts as behind a NAT.
//
// It promises that all its methods may be called at any time from any goroutine, and that
// Judged is called by one goroutine at a time. A nil Monitor is one that knows nothing: it
// belongs to a node that only listens on loopback.
//
// What follows from a verdict is left to others: whether to relay (package relay), whether
// to serve in the DHT, and what to do when the address changes.
package nat

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/peerconn"
)

// Config says what a Monitor watches. Listen, Port, Judged, Moved, Tasks and Log must be set.
type Config struct {
	// Listen are the IP addresses that the node listens on, and Port is the port.
	Listen []netip.Addr
	Port   uint16
	// Bootstrap are the peers that the mesh begins with, as multiaddrs.
	Bootstrap []string
	// Router turns on asking the router to open ports.
	Router bool
	// Judged is told each new verdict.
	Judged func(Verdict)
	// Moved is called in a goroutine of Tasks when the router has a new address.
	Moved func()
	// Tasks runs the goroutines of this package that Run does not wait for.
	Tasks *tasks.Group
	Log   *slog.Logger
}

// Verdict is what a Monitor has found out.
type Verdict struct {
	Reachability network.Reachability
	// NeedsRelay says that some peers can only reach this machine through a relay. That can
	// be true for a public one: half of the world has no IPv6, and what a router has opened
	// may change with the router's address, which relays notice first.
	NeedsRelay bool
}

// Monitor watches how this machine can be reached.
type Monitor struct {
	cfg    Config
	host   host.Host
	mirror *Mirror
	ports  *ports // nil if no router is asked
	views  views
	addrs  addrs

	emitter event.Emitter // of verdicts, for the DHT
	verdict atomic.Pointer[Verdict]
	moved   chan struct{} // holds a token when this machine may be in another network
	mapped  chan struct{} // holds a token when the router has opened or closed a port
	asking  chan struct{} // holds a token while askOutside is under way
}

// New returns a Monitor that does nothing before Start.
func New(cfg Config) *Monitor {
	m := &Monitor{cfg: cfg, moved: make(chan struct{}, 1), mapped: make(chan struct{}, 1),
		asking: make(chan struct{}, 1)}
	if cfg.Router {
		m.ports = newPorts(m)
	}
	return m
}

// Options returns what the libp2p host needs: peers tell each other how they see one
// another and probe each other's addresses, and the router is asked for ports.
func (m *Monitor) Options() []libp2p.Option {
	options := []libp2p.Option{
		libp2p.EnableAutoNATv2(),
		libp2p.AddrsFactory(m.published),
		// A network in which few dials succeed at first, such as a small or new one, looks
		// to these counters as if it had no UDP or IPv6. Then nobody's addresses are probed
		// over them.
		libp2p.UDPBlackHoleSuccessCounter(nil),
		libp2p.IPv6BlackHoleSuccessCounter(nil),
	}
	if m.ports != nil {
		options = append(options, libp2p.NATManager(m.ports.manager))
	}
	return options
}

// Start makes the first guess, and answers peers who ask where we see them. The host is the
// one that was made with Options.
func (m *Monitor) Start(h host.Host, conns *peerconn.Set) (err error) {
	m.host, m.mirror = h, NewMirror(h, conns, m.cfg.Tasks)
	m.mirror.Serve()
	if m.emitter, err = h.EventBus().Emitter(new(event.EvtLocalReachabilityChanged),
		eventbus.Stateful); err != nil {
		return fmt.Errorf("watch reachability: %w", err)
	}
	m.announce(m.newEvidence().judge(m.own(), m.Mapped()))
	return nil
}

// Close is called after Run has returned.
func (m *Monitor) Close() {
	if m != nil && m.emitter != nil {
		m.emitter.Close()
	}
}

// Run watches until ctx ends, and keeps the router's ports open until then.
func (m *Monitor) Run(ctx context.Context) error {
	var group errgroup.Group
	if m.ports != nil {
		group.Go(func() error {
			m.ports.Run(ctx)
			return nil
		})
	}
	group.Go(func() error { return m.watch(ctx) })
	return group.Wait()
}

func (m *Monitor) watch(ctx context.Context) error {
	seen, err := m.host.EventBus().Subscribe([]any{
		new(event.EvtHostReachableAddrsChanged),
		new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(256))
	if err != nil {
		return fmt.Errorf("watch reachability: %w", err)
	}
	defer seen.Close()
	for known := m.newEvidence(); ; {
		m.announce(known.judge(m.own(), m.Mapped()))
		select {
		case e := <-seen.Out():
			m.note(&known, e)
		case <-m.mapped:
		case <-m.moved:
			known = m.newEvidence()
			m.views.forget()
			m.addrs.outside4.Store(nil)
		case <-ctx.Done():
			return nil
		}
	}
}

// note takes in an event.
func (m *Monitor) note(known *evidence, e any) {
	switch e := e.(type) {
	case event.EvtHostReachableAddrsChanged:
		e = vouch(m.Mapped(), e)
		known.probes = e
		m.addrs.confirmed.Store(&e.Reachable)
	case event.EvtPeerIdentificationCompleted:
		if e.ObservedAddr == nil ||
			maddrs.Transport(e.Conn.RemoteMultiaddr()) == maddrs.Relay {
			return
		}
		m.views.add(e.Conn, e.ObservedAddr)
		m.askOutside(e)
		if ip, _, _ := maddrs.Parts(e.ObservedAddr); ip.Is4() &&
			manet.IsPublicAddr(e.ObservedAddr) && !slices.Contains(m.own(), ip) {
			known.behind = true
		}
	}
}

// announce tells a verdict, if it is a new one.
func (m *Monitor) announce(v Verdict) {
	was := m.verdict.Swap(&v)
	if was != nil && *was == v {
		return
	}
	m.cfg.Judged(v)
	if was == nil || was.Reachability != v.Reachability {
		m.emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: v.Reachability})
	}
}

// Reachability returns "public", "private" or "unknown".
func (m *Monitor) Reachability() string {
	state := network.ReachabilityUnknown
	if m != nil && m.verdict.Load() != nil {
		state = m.verdict.Load().Reachability
	}
	return strings.ToLower(state.String())
}

// Moving begins a change of networks: it reads the addresses of this machine anew.
func (m *Monitor) Moving() { m.addrs.own.Store(new(m.look())) }

// Moved forgets what was known of the network that this machine was in.
func (m *Monitor) Moved() { signal(m.moved) }

// MovedRouter has the router asked again, as it may be another one.
func (m *Monitor) MovedRouter() {
	if m.ports != nil {
		m.ports.Mapper.Moved()
	}
}

// evidence is what a verdict is based on.
type evidence struct {
	behind bool // someone on the Internet sees us at an address that is not ours
	probes event.EvtHostReachableAddrsChanged
}

func (m *Monitor) newEvidence() evidence { return evidence{behind: isAbroad(m.cfg.Bootstrap)} }

// isAbroad reports whether the mesh begins with peers on the Internet.
func isAbroad(bootstrap []string) bool {
	return slices.ContainsFunc(bootstrap, func(text string) bool {
		addr, err := ma.NewMultiaddr(text)
		return err == nil && maddrs.IsPublic(addr)
	})
}

// judge decides, for a machine with these IP addresses and ports that its router has opened.
func (e evidence) judge(own []netip.Addr, mapped []ma.Multiaddr) Verdict {
	open4, closed4 := openness(e.probes, netip.Addr.Is4)
	open6, _ := openness(e.probes, netip.Addr.Is6)
	claim := slices.ContainsFunc(own, maddrs.IsPublic4) &&
		(!closed4 || len(e.probes.Reachable) > 0)
	settled := len(e.probes.Unreachable) > 0 && len(e.probes.Unknown) == 0
	v := Verdict{NeedsRelay: len(mapped) > 0 || !open4 && !(claim && !closed4)}
	switch {
	case open4, open6, claim:
		v.Reachability = network.ReachabilityPublic
	case e.behind, settled:
		v.Reachability = network.ReachabilityPrivate
	}
	return v
}

// openness reports whether the addresses of one IP version are open for both QUIC and TCP,
// and whether any of them is closed.
func openness(probes event.EvtHostReachableAddrsChanged,
	version func(netip.Addr) bool) (open, closed bool) {
	transports := map[string]bool{}
	for _, addr := range probes.Reachable {
		if ip, _, transport := maddrs.Parts(addr); version(ip) {
			transports[transport] = true
		}
	}
	closed = slices.ContainsFunc(probes.Unreachable, func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return version(ip)
	})
	return transports[maddrs.QUIC] && transports[maddrs.TCP], closed
}

// signal puts a token into c unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
