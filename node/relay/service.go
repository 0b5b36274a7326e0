package relay

import (
	"log/slog"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// Policy says for whom a node relays.
type Policy string

const (
	Trusted Policy = "trusted" // the members of a private mesh, otherwise friends
	Public  Policy = "public"  // everyone
	None    Policy = "none"    // nobody
)

// Allow returns whether a node with this policy relays for a peer. The zero Policy is
// Trusted.
func (p Policy) Allow(privateMesh bool, friends func() []peer.ID) func(peer.ID) bool {
	switch {
	case p == None:
		return func(peer.ID) bool { return false }
	case p == Public, privateMesh:
		return func(peer.ID) bool { return true }
	}
	return func(id peer.ID) bool { return slices.Contains(friends(), id) }
}

// MaxReservations is how many peers we relay for. All of them keep a connection to us; this is
// fewer than the connection manager wants to trim.
const MaxReservations = 512

// Service relays for others while it is on.
type Service struct {
	host  host.Host
	allow acl
	log   *slog.Logger

	mu      sync.Mutex
	running *relay.Relay // nil while it is off
}

// NewService returns a service for the peers that allow returns true for. It is off.
func NewService(h host.Host, allow func(peer.ID) bool, log *slog.Logger) *Service {
	return &Service{host: h, allow: allow, log: log}
}

// Set turns the service on or off.
func (s *Service) Set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case on && s.running == nil:
		var err error
		if s.running, err = start(s.host, s.allow); err != nil {
			s.running = nil
			s.log.Warn("can't relay for others", "err", err)
		}
	case !on && s.running != nil:
		s.running.Close()
		s.running = nil
	}
}

// Relaying reports whether a host relays for others.
func Relaying(h host.Host) bool { return slices.Contains(h.Mux().Protocols(), proto.ProtoIDv2Hop) }

// start begins to relay. There are no limits on time or bytes for those who are allowed: a
// call through a relay works like any other. What passes through is encrypted end to end.
func start(h host.Host, allow acl) (*relay.Relay, error) {
	few := relay.DefaultResources()
	few.Limit = nil
	few.MaxReservations = MaxReservations
	few.MaxReservationsPerIP = 128 // an office, or a carrier's NAT
	few.MaxReservationsPerASN = MaxReservations
	few.MaxCircuits = 64
	few.BufferSize = 16 << 10
	return relay.New(h, relay.WithResources(few), relay.WithACL(allow),
		// peers decide themselves which of our addresses help them
		relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
}

// acl is a relay.ACLFilter. A peer with a reservation has asked to be called, and its own gate
// decides about its callers, so only the called peer matters.
type acl func(peer.ID) bool

func (a acl) AllowReserve(id peer.ID, _ ma.Multiaddr) bool { return a(id) }

func (a acl) AllowConnect(_ peer.ID, _ ma.Multiaddr, to peer.ID) bool { return a(to) }
