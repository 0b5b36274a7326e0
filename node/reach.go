package node

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

// reach finds out whether others can reach the node, and does what follows: one that can
// be reached relays for others and answers in the DHT, one that can't holds on to relays.
//
// Probes by others (AutoNAT v2) decide, but they take from seconds to minutes, and nobody
// shall wait for them. So there is a best guess from the first second: a global IPv4
// address on an own interface is taken to be open, and a machine without one that is in
// touch with the Internet to be behind a NAT.
type reach struct {
	cfg    Config
	ips    []netip.Addr // listened to
	port   uint16
	host   host.Host
	node   *Node
	relays *relays
	ports  *ports // nil where no router is asked
	views  views

	verdicts event.Emitter // what the DHT listens to
	state    atomic.Int32  // a network.Reachability
	moved    chan struct{}

	// what published needs to know
	appended  atomic.Pointer[[]ma.Multiaddr]
	confirmed atomic.Value // of []ma.Multiaddr
	addresses atomic.Pointer[[]netip.Addr]
	outside4  atomic.Pointer[netip.AddrPort] // where we are seen in IPv4, if that had to be asked

	// touched by one goroutine
	looking chan struct{} // holds a token while outside4 is looked for
	behind  bool          // someone on the Internet sees us at an address that is not ours
	probes  event.EvtHostReachableAddrsChanged
	service *relay.Relay // nil while we do not relay
}

// newReach is called before there is a host: that wants to know where to ask for more addresses.
func newReach(cfg Config, ips []netip.Addr, port int) *reach {
	return &reach{cfg: cfg, ips: ips, port: uint16(port), behind: isAbroad(cfg.Bootstrap),
		moved: make(chan struct{}, 1), looking: make(chan struct{}, 1)}
}

// published is where we say that we can be reached. To libp2p's list it adds the relays'
// addresses, which libp2p would leave out as soon as one address is confirmed, though
// that may be one for few, such as IPv6, or QUIC alone. And as long as there are relays
// it leaves out where others merely see us from outside: most NATs let nobody in there,
// and whoever tries first waits for an answer that does not come.
func (r *reach) published(addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = r.current(addrs)
	more := r.appended.Load()
	if more == nil || len(*more) == 0 {
		return addrs
	}
	confirmed, _ := r.confirmed.Load().([]ma.Multiaddr)
	own := r.own()
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return maddrs.IsPublic(addr) && !slices.Contains(own, ip) && !ma.Contains(confirmed, addr)
	})
	return ma.Unique(append(addrs, *more...))
}

// current replaces the addresses of our interfaces, which libp2p looks at once a minute,
// by those of now.
func (r *reach) current(addrs []ma.Multiaddr) []ma.Multiaddr {
	own := r.own()
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return ip.IsValid() && manet.IsPrivateAddr(addr) && !slices.Contains(own, ip)
	})
	for _, ip := range own {
		listening := slices.ContainsFunc(r.ips, func(l netip.Addr) bool {
			return l.IsUnspecified() && l.Is4() == ip.Is4()
		})
		if !listening || ip.IsLinkLocalUnicast() {
			continue
		}
		if both, err := maddrs.QUICAndTCP(ip, r.port); err == nil && !ip.IsLoopback() {
			addrs = append(addrs, both...)
		}
	}
	return ma.Unique(addrs)
}

// begin makes the first guess, before anybody could ask.
func (r *reach) begin(n *Node) (err error) {
	r.node, r.host = n, n.host
	if r.verdicts, err = n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged),
		eventbus.Stateful); err != nil {
		return fmt.Errorf("watch reachability: %w", err)
	}
	if r.relays, err = newRelays(n, r); err != nil {
		return err
	}
	r.state.Store(-1)
	r.judge()
	return nil
}

// run watches until ctx ends.
func (r *reach) run(ctx context.Context) error {
	seen, err := r.host.EventBus().Subscribe([]any{
		new(event.EvtHostReachableAddrsChanged),
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerProtocolsUpdated),
		new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(256))
	if err != nil {
		return fmt.Errorf("watch reachability: %w", err)
	}
	defer seen.Close()
	for {
		r.judge()
		again := time.NewTimer(r.relays.step(ctx))
		select {
		case e := <-seen.Out():
			r.note(e)
		case result := <-r.relays.results:
			r.relays.settle(result)
		case v := <-r.relays.views:
			r.relays.take(v)
		case <-r.moved:
			r.behind, r.probes = isAbroad(r.cfg.Bootstrap), event.EvtHostReachableAddrsChanged{}
			r.views.forget()
			r.relays.forgive()
			r.outside4.Store(nil)
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil
		}
		again.Stop()
	}
}

func (r *reach) note(e any) {
	switch e := e.(type) {
	case event.EvtHostReachableAddrsChanged:
		e = vouch(r.mapped(), e)
		r.probes = e
		r.confirmed.Store(e.Reachable)
	case event.EvtPeerIdentificationCompleted:
		if e.ObservedAddr == nil || maddrs.Transport(e.Conn.RemoteMultiaddr()) == "relay" {
			return
		}
		r.views.add(e.Conn, e.ObservedAddr)
		r.lookOutside(e)
		if ip, _, _ := maddrs.Parts(e.ObservedAddr); ip.Is4() &&
			manet.IsPublicAddr(e.ObservedAddr) &&
			!slices.Contains(r.own(), ip) {
			r.behind = true
		}
	}
}

// judge says how things stand, and acts if that has changed.
func (r *reach) judge() {
	open4, closed4 := openness(r.probes, netip.Addr.Is4)
	open6, _ := openness(r.probes, netip.Addr.Is6)
	own := r.own()
	claim := slices.ContainsFunc(own, maddrs.IsPublic4) && (!closed4 || len(r.probes.Reachable) > 0)
	settled := len(r.probes.Unreachable) > 0 && len(r.probes.Unknown) == 0
	state := network.ReachabilityUnknown
	switch {
	case open4, open6, claim:
		state = network.ReachabilityPublic
	case r.behind, settled:
		state = network.ReachabilityPrivate
	}
	// IPv6 alone is not enough to do without a relay: half of the world can't reach it.
	// And what a router has opened may be elsewhere the next moment, with its address,
	// which relays notice first.
	r.relays.wanted = len(r.mapped()) > 0 || !open4 && !(claim && !closed4)
	if int32(state) == r.state.Swap(int32(state)) {
		return
	}
	r.relay(state == network.ReachabilityPublic)
	r.verdicts.Emit(event.EvtLocalReachabilityChanged{Reachability: state})
}

// openness says whether the addresses of one IP version are open for both QUIC and TCP,
// and whether any is closed.
func openness(probes event.EvtHostReachableAddrsChanged,
	version func(netip.Addr) bool) (open, closed bool) {
	kinds := map[string]bool{}
	for _, addr := range probes.Reachable {
		if ip, _, kind := maddrs.Parts(addr); version(ip) {
			kinds[kind] = true
		}
	}
	closed = slices.ContainsFunc(probes.Unreachable, func(addr ma.Multiaddr) bool {
		ip, _, _ := maddrs.Parts(addr)
		return version(ip)
	})
	return kinds["quic"] && kinds["tcp"], closed
}

// relay begins or ends to relay for others.
func (r *reach) relay(on bool) {
	switch {
	case on && r.service == nil && r.cfg.Relay != RelayNone:
		var err error
		if r.service, err = newRelay(r.host, serves(r.cfg)); err != nil {
			r.cfg.Log.Warn("does not relay", "err", err)
		}
	case !on && r.service != nil:
		r.service.Close()
		r.service = nil
	}
}

// end is called when nothing of this runs any more.
func (r *reach) end() {
	r.relay(false)
	if r.verdicts != nil {
		r.verdicts.Close()
	}
	if r.relays != nil {
		r.relays.emitter.Close()
	}
}

// status says for Node.Status how things stand; a nil reach is that of a node on loopback.
func (r *reach) status() (reachability string, relays []string, relaying bool) {
	relays = []string{}
	if r == nil {
		return "unknown", relays, false
	}
	if told := r.relays.told.Load(); told != nil {
		for _, id := range *told {
			relays = append(relays, id.String())
		}
	}
	relaying = slices.Contains(r.host.Mux().Protocols(), proto.ProtoIDv2Hop)
	return strings.ToLower(network.Reachability(r.state.Load()).String()), relays, relaying
}

// own are the IP addresses of this machine that we listen to.
func (r *reach) own() []netip.Addr {
	if known := r.addresses.Load(); known != nil {
		return *known
	}
	return r.refresh()
}

// look asks the system for them.
func (r *reach) look() []netip.Addr {
	var own []netip.Addr
	for _, ip := range r.ips {
		if !ip.IsUnspecified() {
			own = append(own, ip)
		}
	}
	if len(own) > 0 {
		return own
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if prefix, err := netip.ParsePrefix(addr.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own
}
