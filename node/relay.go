package node

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// Whom a node relays for, as Config.Relay says it.
const (
	RelayTrusted = "trusted" // the members of a private mesh, or else Friends
	RelayPublic  = "public"  // everyone
	RelayNone    = "none"    // nobody
)

// maxReserved is for how many peers we relay. All of them have a connection, and keep it:
// they are fewer than make a crowd.
const maxReserved = 512

// newRelay begins to relay. There are no limits on time or bytes for those who may: a
// call by a relay works like any other. What travels is encrypted between its ends.
func newRelay(h host.Host, who allowed) (*relay.Relay, error) {
	few := relay.DefaultResources()
	few.Limit = nil
	few.MaxReservations = maxReserved
	few.MaxReservationsPerIP = 128 // an office, or a carrier's NAT
	few.MaxReservationsPerASN = maxReserved
	few.MaxCircuits = 64
	few.BufferSize = 16 << 10
	return relay.New(h, relay.WithResources(few), relay.WithACL(who),
		// whom it helps is for them to say
		relay.WithReservationAddressFilter(func(ma.Multiaddr) bool { return true }))
}

// allowed says for whom we relay. Who calls them is their own gate's business, and it is
// they who asked to be called.
type allowed func(peer.ID) bool

func (a allowed) AllowReserve(id peer.ID, _ ma.Multiaddr) bool { return a(id) }

func (a allowed) AllowConnect(_ peer.ID, _ ma.Multiaddr, to peer.ID) bool { return a(to) }

// serves says for whom a node relays, as configured.
func serves(cfg Config) allowed {
	switch {
	case cfg.Relay == RelayNone:
		return func(peer.ID) bool { return false }
	case cfg.Relay == RelayPublic, isPrivate(cfg.Mesh):
		return func(peer.ID) bool { return true }
	}
	return func(id peer.ID) bool { return slices.Contains(friends(cfg), id) }
}

// friends are those whom the node's owner trusts.
func friends(cfg Config) []peer.ID {
	if cfg.Friends == nil {
		return nil
	}
	var ids []peer.ID
	for _, friend := range cfg.Friends() {
		if id, err := peer.Decode(friend.String()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func isPrivate(mesh string) bool { return mesh != "" && mesh != "public" && mesh != "none" }
