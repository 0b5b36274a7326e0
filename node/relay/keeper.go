package relay

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/cell-mesh/cell/node/maddrs"
)

const (
	// wanted is how many relays are kept, so that one may vanish without notice.
	wanted = 2
	// While relays are missing, more peers are connected to after minScout, then after
	// twice that, up to maxScout.
	minScout = 2 * time.Second
	maxScout = time.Minute
	// maxScouted bounds how many peers are connected to at a time.
	maxScouted = 6
)

// state is what Run knows. It lives in Run, so no other goroutine can touch it: those that
// Run starts report through the channels.
type state struct {
	*Keeper
	held    map[peer.ID]*reservation
	trying  map[peer.ID]bool
	refused map[peer.ID]refusal
	sight   sight
	scout   scout
	results chan attempt
	views   chan view
}

// scout is the search for peers who may relay.
type scout struct {
	last  time.Time
	pause time.Duration
	out   chan struct{} // one token for each peer that is being connected to
}

func newState(k *Keeper) *state {
	return &state{
		Keeper:  k,
		held:    map[peer.ID]*reservation{},
		trying:  map[peer.ID]bool{},
		refused: map[peer.ID]refusal{},
		sight:   sight{seen: map[peer.ID]view{}},
		scout:   scout{pause: minScout, out: make(chan struct{}, maxScouted)},
		results: make(chan attempt),
		views:   make(chan view),
	}
}

// step does what is due, and returns when to call it again if nothing happens.
func (s *state) step(ctx context.Context, want bool) time.Duration {
	for id, r := range s.held {
		if r.conn.IsClosed() || !want || time.Now().After(r.expires) {
			s.drop(id)
		}
	}
	defer func() { s.tell(s.held) }()
	if !want {
		return time.Hour
	}
	next := time.Hour
	for id, r := range s.held {
		due := time.Until(r.renew)
		if due <= 0 && !s.trying[id] && !s.isRefused(id) {
			s.try(id, r.conn)
		}
		next = min(next, max(due, time.Second))
	}
	if len(s.held) > 0 {
		next = min(next, s.look())
	}
	friends := s.cfg.Friends()
	missing := wanted - len(s.held) - len(s.trying)
	var candidates []network.Conn
	if missing > 0 || len(friends) > 0 { // a friend is better than a stranger
		candidates = s.candidates(friends)
	}
	for _, conn := range candidates {
		better := slices.Contains(friends, conn.RemotePeer()) && len(s.trying) == 0 &&
			s.worst(friends) != ""
		if missing <= 0 && !better {
			break
		}
		s.try(conn.RemotePeer(), conn)
		missing--
	}
	if len(s.held) >= wanted {
		s.scout.pause = minScout
		return next
	}
	if missing <= 0 { // those who are being asked may be enough
		return next
	}
	if wait := s.scout.pause - time.Since(s.scout.last); wait > 0 {
		return min(next, wait)
	}
	s.scout.last, s.scout.pause = time.Now(), min(2*s.scout.pause, maxScout)
	s.connect(ctx, friends)
	return min(next, s.scout.pause)
}

// candidates returns connections to peers who relay, friends first. We must have reached
// them ourselves and directly, because then others can, too.
func (s *state) candidates(friends []peer.ID) []network.Conn {
	var list []network.Conn
	for _, id := range s.cfg.Host.Network().Peers() {
		if s.held[id] != nil || s.trying[id] || s.isRefused(id) {
			continue
		}
		if hops, err := s.cfg.Host.Peerstore().SupportsProtocols(id,
			proto.ProtoIDv2Hop); err != nil || len(hops) == 0 {
			continue
		}
		for _, conn := range s.cfg.Host.Network().ConnsToPeer(id) {
			if conn.Stat().Direction == network.DirOutbound && !conn.IsClosed() &&
				s.isUseful(conn.RemoteMultiaddr(), conn) {
				list = append(list, conn)
				break
			}
		}
	}
	shuffle(list) // so that not everyone asks the same relays
	slices.SortStableFunc(list, func(a, b network.Conn) int {
		return cmp.Compare(isStranger(friends, a.RemotePeer()), isStranger(friends, b.RemotePeer()))
	})
	return list
}

func shuffle[T any](list []T) {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// isStranger is 0 for a friend and 1 for others.
func isStranger(friends []peer.ID, id peer.ID) int {
	if slices.Contains(friends, id) {
		return 0
	}
	return 1
}

// isUseful reports whether others can use a relay's address, if we have reached the relay
// over this connection.
func (s *state) isUseful(addr ma.Multiaddr, over network.Conn) bool {
	switch {
	case maddrs.Transport(addr) == maddrs.Relay, manet.IsIPUnspecified(addr),
		manet.IsIP6LinkLocal(addr):
		return false
	case manet.IsIPLoopback(addr):
		return manet.IsIPLoopback(over.RemoteMultiaddr())
	}
	return manet.IsPublicAddr(addr) || s.cfg.PrivateMesh
}

// connect connects to peers who may relay: friends, and servers of the mesh. Whether they
// do is known once they are connected.
func (s *state) connect(ctx context.Context, friends []peer.ID) {
	servers := slices.Clone(s.cfg.Servers())
	shuffle(servers)
	for _, id := range slices.Concat(friends, servers) {
		if s.cfg.Conns.Best(id) != nil || s.isRefused(id) {
			continue
		}
		select {
		case s.scout.out <- struct{}{}:
		default:
			return
		}
		out := s.scout.out
		s.cfg.Tasks.Go(func() {
			defer func() { <-out }()
			ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "relay"),
				reserveWait)
			defer cancel()
			s.cfg.Host.Connect(ctx, peer.AddrInfo{ID: id, Addrs: s.cfg.Remembered(id)})
		})
	}
}

// forgive starts over, as in another network.
func (s *state) forgive() {
	clear(s.refused)
	s.unsee()
	s.scout.last, s.scout.pause = time.Time{}, minScout
}
