package node

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// wantedRelays are held, so that one may vanish without a word.
	wantedRelays = 2
	// reserveWait bounds one attempt to get a relay.
	reserveWait = 8 * time.Second
	// lookEvery is how often a relay is asked where it sees us. It must be at a machine's
	// new address before callers give up, and nothing but its own packets tells a relay
	// where that is.
	lookEvery = 4 * time.Second
	// A place is renewed at half of its life, which the relay says by its own clock. A
	// life shorter than minLife is refused, else we would ask all the time. None is
	// believed to be longer than maxLife: it may end sooner than a clock ahead of ours
	// says.
	minLife = 2 * time.Minute
	maxLife = time.Hour
	// A relay that refused is asked again after minGrudge, then twice that, up to maxGrudge.
	minGrudge = 15 * time.Second
	maxGrudge = 10 * time.Minute
	// While relays are missing, more peers are met after minScout, then twice that, up to maxScout.
	minScout = 2 * time.Second
	maxScout = time.Minute
	// maxScouted bounds how many are met at a time, and maxLent how many addresses of a
	// relay are told.
	maxScouted = 6
	maxLent    = 4
)

// relays holds places at peers that let others through to us. libp2p has the like of it,
// made for strangers of whom few will do; ours asks friends first, takes a relay the
// moment that it is known, and works in networks without any public address. It is
// touched by one goroutine, reach's.
type relays struct {
	node    *Node
	reach   *reach
	emitter event.Emitter
	results chan reserved
	views   chan view
	wanted  bool

	held    map[peer.ID]*relayHeld
	trying  map[peer.ID]bool
	seen    map[peer.ID]view // where a relay saw us last
	looked  time.Time
	alone   time.Time // when we roamed last on one relay's word
	refused map[peer.ID]grudge

	scouted time.Time
	pause   time.Duration
	scouts  chan struct{} // as many as may be out
	told    atomic.Pointer[[]peer.ID]
}

// relayHeld is a place at a relay.
type relayHeld struct {
	conn      network.Conn
	addrs     []ma.Multiaddr
	renew     time.Time
	expires   time.Time
	doubted   bool // it did not answer when it was asked last
	elsewhere bool // it says that we are elsewhere, and is not believed yet
}

// view is where a relay sees us, if it answers.
type view struct {
	conn network.Conn
	at   netip.AddrPort // invalid if it can't tell
	err  error
}

// reserved is what came of an attempt.
type reserved struct {
	id          peer.ID
	conn        network.Conn
	reservation *client.Reservation
	err         error
}

type grudge struct {
	until time.Time
	pause time.Duration
}

func newRelays(n *Node, reach *reach) (*relays, error) {
	emitter, err := n.host.EventBus().Emitter(new(event.EvtAutoRelayAddrsUpdated),
		eventbus.Stateful)
	if err != nil {
		return nil, fmt.Errorf("look for relays: %w", err)
	}
	return &relays{
		node: n, reach: reach, emitter: emitter,
		results: make(chan reserved),
		views:   make(chan view),
		held:    map[peer.ID]*relayHeld{},
		trying:  map[peer.ID]bool{},
		seen:    map[peer.ID]view{},
		refused: map[peer.ID]grudge{},
		pause:   minScout,
		scouts:  make(chan struct{}, maxScouted),
	}, nil
}

// step does what there is to do, and says when to come again if nothing happens.
func (r *relays) step(ctx context.Context) time.Duration {
	for id, h := range r.held {
		if h.conn.IsClosed() || !r.wanted || time.Now().After(h.expires) {
			r.drop(id)
		}
	}
	defer r.tell()
	if !r.wanted {
		return time.Hour
	}
	next := time.Hour
	for id, h := range r.held {
		due := time.Until(h.renew)
		if due <= 0 && !r.trying[id] && !r.grudges(id) {
			r.try(id, h.conn)
		}
		next = min(next, max(due, time.Second))
	}
	if len(r.held) > 0 {
		next = min(next, r.look())
	}
	known := friends(r.reach.cfg)
	missing := wantedRelays - len(r.held) - len(r.trying)
	var candidates []network.Conn
	if missing > 0 || len(known) > 0 { // a friend is better than a stranger
		candidates = r.candidates(known)
	}
	for _, conn := range candidates {
		better := slices.Contains(known, conn.RemotePeer()) && len(r.trying) == 0 &&
			r.worst(known) != ""
		if missing <= 0 && !better {
			break
		}
		r.try(conn.RemotePeer(), conn)
		missing--
	}
	if len(r.held) >= wantedRelays {
		r.pause = minScout
		return next
	}
	if missing <= 0 { // those who are asked already may do
		return next
	}
	if wait := r.pause - time.Since(r.scouted); wait > 0 {
		return min(next, wait)
	}
	r.scouted, r.pause = time.Now(), min(2*r.pause, maxScout)
	r.scout(ctx, known)
	return min(next, r.pause)
}

// candidates are the connections to peers that relay, those to friends first. We must
// have reached them ourselves, directly: then others can, too.
func (r *relays) candidates(known []peer.ID) []network.Conn {
	var list []network.Conn
	for _, id := range r.node.swarm.Peers() {
		if r.held[id] != nil || r.trying[id] || r.grudges(id) {
			continue
		}
		if hops, err := r.node.host.Peerstore().SupportsProtocols(id,
			proto.ProtoIDv2Hop); err != nil || len(hops) == 0 {
			continue
		}
		for _, conn := range r.node.swarm.ConnsToPeer(id) {
			if conn.Stat().Direction == network.DirOutbound && !conn.IsClosed() &&
				r.lends(conn.RemoteMultiaddr(), conn) {
				list = append(list, conn)
				break
			}
		}
	}
	// so that not all ask the same
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b network.Conn) int {
		return cmp.Compare(stranger(known, a.RemotePeer()), stranger(known, b.RemotePeer()))
	})
	return list
}

// stranger is 0 for a friend.
func stranger(known []peer.ID, id peer.ID) int {
	if slices.Contains(known, id) {
		return 0
	}
	return 1
}

// lends says whether a relay's address is of use to others, if we have reached it over
// this connection.
func (r *relays) lends(addr ma.Multiaddr, over network.Conn) bool {
	switch {
	case maddrs.Transport(addr) == "relay", manet.IsIPUnspecified(addr), manet.IsIP6LinkLocal(addr):
		return false
	case manet.IsIPLoopback(addr):
		return manet.IsIPLoopback(over.RemoteMultiaddr())
	}
	return manet.IsPublicAddr(addr) || isPrivate(r.reach.cfg.Mesh)
}

// try asks for a place.
func (r *relays) try(id peer.ID, conn network.Conn) {
	r.trying[id] = true
	r.node.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(network.WithNoDial(r.node.tasks.Context(), "reserve"),
			reserveWait)
		defer cancel()
		result := reserved{id: id, conn: conn}
		result.reservation, result.err = client.Reserve(ctx, r.node.host, peer.AddrInfo{ID: id})
		select {
		case r.results <- result:
		case <-r.node.tasks.Context().Done():
		}
	})
}

// settle takes in what came of an attempt.
func (r *relays) settle(result reserved) {
	delete(r.trying, result.id)
	now := time.Now()
	var life time.Duration
	if result.err == nil {
		if life = min(result.reservation.Expiration.Sub(now), maxLife); life < minLife {
			result.err = fmt.Errorf("a place for %v is too short", life.Round(time.Second))
		}
	}
	if result.err != nil {
		old := r.refused[result.id].pause
		pause := min(max(2*old, minGrudge), maxGrudge)
		r.refused[result.id] = grudge{time.Now().Add(pause), pause}
		r.node.log.Info("relay refuses", "peer", result.id, "err", result.err)
		return
	}
	delete(r.refused, result.id)
	if r.held[result.id] == nil {
		r.node.log.Info("relay lets others through to us", "peer", result.id, "address",
			result.conn.RemoteMultiaddr())
	}
	r.held[result.id] = &relayHeld{conn: result.conn, addrs: r.lent(result),
		renew: now.Add(life / 2), expires: now.Add(life)}
	r.node.host.ConnManager().Protect(result.id, "relay")
	for len(r.held) > wantedRelays {
		r.drop(r.worst(friends(r.reach.cfg)))
	}
}

// worst is a relay to do without: a stranger, if there is one; "" means that all are friends.
func (r *relays) worst(known []peer.ID) peer.ID {
	for id := range r.held {
		if !slices.Contains(known, id) {
			return id
		}
	}
	if len(r.held) > wantedRelays {
		for id := range r.held {
			return id
		}
	}
	return ""
}

func (r *relays) drop(id peer.ID) {
	delete(r.held, id)
	r.node.host.ConnManager().Unprotect(id, "relay")
}

func (r *relays) grudges(id peer.ID) bool { return time.Now().Before(r.refused[id].until) }

// forgive begins anew, as in another network.
func (r *relays) forgive() {
	clear(r.refused)
	r.unsee()
	r.scouted, r.pause = time.Time{}, minScout
}

// lent are our addresses at a relay: the one that we reached it at is proven, and the
// relay names others.
func (r *relays) lent(result reserved) []ma.Multiaddr {
	circuit, err := ma.NewMultiaddr("/p2p/" + result.id.String() + "/p2p-circuit")
	if err != nil {
		return nil
	}
	var addrs []ma.Multiaddr
	for _, whole := range append([]ma.Multiaddr{result.conn.RemoteMultiaddr()},
		result.reservation.Addrs...) {
		addr, _ := peer.SplitAddr(whole)
		if addr == nil || !r.lends(addr, result.conn) || len(addrs) == maxLent {
			continue
		}
		if lent := addr.Encapsulate(circuit); !ma.Contains(addrs, lent) {
			addrs = append(addrs, lent)
		}
	}
	return addrs
}

// tell has the host publish what changed.
func (r *relays) tell() {
	ids, addrs := []peer.ID{}, []ma.Multiaddr{}
	for id, h := range r.held {
		ids, addrs = append(ids, id), append(addrs, h.addrs...)
	}
	slices.Sort(ids)
	slices.SortFunc(addrs, ma.Multiaddr.Compare)
	r.told.Store(&ids)
	old := r.reach.appended.Swap(&addrs)
	if old == nil && len(addrs) == 0 || old != nil &&
		slices.EqualFunc(*old, addrs, ma.Multiaddr.Equal) {
		return
	}
	r.emitter.Emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: addrs})
}

// scout meets peers who may relay: friends, and servers of the mesh. Whether they do is
// seen once they are connected.
func (r *relays) scout(ctx context.Context, known []peer.ID) {
	strangers := r.node.finder.Servers()
	rand.Shuffle(len(strangers), func(i, j int) {
		strangers[i], strangers[j] = strangers[j], strangers[i]
	})
	for _, id := range append(slices.Clone(known), strangers...) {
		if r.node.conns.Best(id) != nil || r.grudges(id) {
			continue
		}
		select {
		case r.scouts <- struct{}{}:
		default:
			return
		}
		r.node.tasks.Go(func() {
			defer func() { <-r.scouts }()
			ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "relay"),
				reserveWait)
			defer cancel()
			r.node.host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: r.node.finder.Remembered(id)})
		})
	}
}
