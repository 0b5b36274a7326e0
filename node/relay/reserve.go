package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// reserveWait bounds one attempt to get a relay.
	reserveWait = 8 * time.Second
	// A reservation is renewed at half of its life, which the relay states by its own
	// clock. A life shorter than minLife is refused, because we would ask all the time. A
	// longer one than maxLife is not believed: it may end sooner than a relay whose clock
	// is ahead of ours says.
	minLife = 2 * time.Minute
	maxLife = time.Hour
	// A relay that refused is asked again after minRefused, then after twice that, up to
	// maxRefused.
	minRefused = 15 * time.Second
	maxRefused = 10 * time.Minute
	// maxAddrs bounds how many addresses of a relay are published.
	maxAddrs = 4
)

// reservation is one at a relay.
type reservation struct {
	conn      network.Conn
	addrs     []ma.Multiaddr // ours at the relay
	renew     time.Time
	expires   time.Time
	doubted   bool // the relay did not answer the last question
	elsewhere bool // the relay sees us at a new address, and is not believed yet
}

// attempt is the result of asking for a reservation.
type attempt struct {
	id          peer.ID
	conn        network.Conn
	reservation *client.Reservation
	err         error
}

// refusal says until when not to ask a relay again.
type refusal struct {
	until time.Time
	pause time.Duration
}

// try asks for a reservation.
func (s *state) try(id peer.ID, conn network.Conn) {
	s.trying[id] = true
	results := s.results
	s.cfg.Tasks.Go(func() {
		ctx, cancel := context.WithTimeout(network.WithNoDial(s.cfg.Tasks.Context(), "reserve"),
			reserveWait)
		defer cancel()
		result := attempt{id: id, conn: conn}
		result.reservation, result.err = client.Reserve(ctx, s.cfg.Host, peer.AddrInfo{ID: id})
		select {
		case results <- result:
		case <-s.cfg.Tasks.Context().Done():
		}
	})
}

// settle takes in the result of an attempt.
func (s *state) settle(result attempt) {
	delete(s.trying, result.id)
	now := time.Now()
	var life time.Duration
	if result.err == nil {
		if life = min(result.reservation.Expiration.Sub(now), maxLife); life < minLife {
			result.err = fmt.Errorf("a reservation for %v is too short", life.Round(time.Second))
		}
	}
	if result.err != nil {
		pause := min(max(2*s.refused[result.id].pause, minRefused), maxRefused)
		s.refused[result.id] = refusal{now.Add(pause), pause}
		s.cfg.Log.Info("relay refuses", "peer", result.id, "err", result.err)
		return
	}
	delete(s.refused, result.id)
	if s.held[result.id] == nil {
		s.cfg.Log.Info("relay lets others through to us", "peer", result.id, "address",
			result.conn.RemoteMultiaddr())
	}
	s.held[result.id] = &reservation{conn: result.conn, addrs: s.lent(result),
		renew: now.Add(life / 2), expires: now.Add(life)}
	s.cfg.Host.ConnManager().Protect(result.id, "relay")
	for len(s.held) > wanted {
		s.drop(s.worst(s.cfg.Friends()))
	}
}

// worst returns a relay to do without: a stranger if there is one, or "" if all are friends
// and not too many.
func (s *state) worst(friends []peer.ID) peer.ID {
	for id := range s.held {
		if !slices.Contains(friends, id) {
			return id
		}
	}
	if len(s.held) > wanted {
		for id := range s.held {
			return id
		}
	}
	return ""
}

func (s *state) drop(id peer.ID) {
	delete(s.held, id)
	s.cfg.Host.ConnManager().Unprotect(id, "relay")
}

func (s *state) isRefused(id peer.ID) bool { return time.Now().Before(s.refused[id].until) }

// lent returns our addresses at a relay. The relay's address that we have reached it at is
// proven, and the relay names others.
func (s *state) lent(result attempt) []ma.Multiaddr {
	circuit, err := ma.NewMultiaddr("/p2p/" + result.id.String() + "/p2p-circuit")
	if err != nil {
		return nil
	}
	var addrs []ma.Multiaddr
	for _, whole := range append([]ma.Multiaddr{result.conn.RemoteMultiaddr()},
		result.reservation.Addrs...) {
		addr, _ := peer.SplitAddr(whole)
		if addr == nil || !s.isUseful(addr, result.conn) || len(addrs) == maxAddrs {
			continue
		}
		if lent := addr.Encapsulate(circuit); !ma.Contains(addrs, lent) {
			addrs = append(addrs, lent)
		}
	}
	return addrs
}
