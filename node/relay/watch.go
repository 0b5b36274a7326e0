package relay

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// LookEvery is how often a relay is asked where it sees us. A relay must send to our
	// new address before callers give up, and only packets from us tell it that address.
	LookEvery = 4 * time.Second
	// aloneEvery is how often one relay's word is enough.
	aloneEvery = 5 * time.Minute
	// maxSeen bounds how many relays' views are remembered.
	maxSeen = 64
)

// sight is where relays see us.
type sight struct {
	seen  map[peer.ID]view // the last view of each relay
	asked time.Time
	alone time.Time // when we last roamed on the word of one relay
}

// view is a relay's answer, if it gives one.
type view struct {
	conn network.Conn
	at   netip.AddrPort // invalid if it can't tell
	err  error
}

// look asks all relays where they see us, if it is time, and returns when it is time again.
func (s *state) look() time.Duration {
	if wait := LookEvery - time.Since(s.sight.asked); wait > 0 {
		return wait
	}
	s.sight.asked = time.Now()
	views := s.views
	for _, r := range s.held {
		conn := r.conn
		s.cfg.Tasks.Go(func() {
			v := view{conn: conn}
			v.at, v.err = s.cfg.Observe(s.cfg.Tasks.Context(), conn)
			select {
			case views <- v:
			case <-s.cfg.Tasks.Context().Done():
			}
		})
	}
	return LookEvery
}

// take takes in a relay's answer. If a relay is silent, it and all others are asked again
// at once, since the fault may be our own network's. One that is silent twice is left.
func (s *state) take(v view) {
	id := v.conn.RemotePeer()
	r := s.held[id]
	if v.err != nil {
		if r == nil || r.conn != v.conn || v.conn.IsClosed() {
			return
		}
		if r.doubted {
			s.cfg.Log.Info("relay is silent", "peer", id, "err", v.err)
			v.conn.Close()
		}
		r.doubted, s.sight.asked = true, time.Time{}
		return
	}
	if r == nil {
		return
	}
	r.doubted = false
	if !v.at.IsValid() {
		return
	}
	was, known := s.sight.seen[id]
	moved := was.at.Addr() != v.at.Addr()
	if was.conn == v.conn { // another connection may well come from another port
		moved = was.at != v.at
	}
	if !known || !moved {
		if len(s.sight.seen) >= maxSeen {
			clear(s.sight.seen)
		}
		s.sight.seen[id], r.elsewhere = v, false
		return
	}
	if !s.believes(v) {
		if !r.elsewhere {
			s.cfg.Log.Info("relay says that we have another address", "peer", id, "was", was.at,
				"is", v.at)
			r.elsewhere, s.sight.asked = true, time.Time{}
		}
		return
	}
	s.cfg.Log.Info("relay sees us at another address", "peer", id, "was", was.at, "is", v.at)
	s.unsee() // otherwise the other relay would say the same
	s.cfg.Tasks.Go(s.cfg.Roam)
}

// believes reports whether to believe a relay that sees us at a new address. Roaming costs
// connections. One relay must not be able to make us roam at will, so a second one has to
// confirm, even if that one sees us for the first time. Both are asked at the same time,
// and again as soon as the first one says so, so this takes no longer.
//
// If nobody contradicts, because the others are silent or there are none, one relay is
// believed once in aloneEvery, and asked until then: it may well be right. It is not
// dropped for that, because it may be the only way to us.
func (s *state) believes(v view) bool {
	id, denied := v.conn.RemotePeer(), false
	newIP := v.at.Addr() != s.sight.seen[id].at.Addr() // and not only a new port
	for other, r := range s.held {
		seen, known := s.sight.seen[other]
		if other == id || !known || r.doubted {
			continue
		}
		if r.elsewhere || newIP && seen.at.Addr() == v.at.Addr() {
			return true
		}
		denied = true
	}
	if denied || !s.sight.alone.IsZero() && time.Since(s.sight.alone) < aloneEvery {
		return false
	}
	s.sight.alone = time.Now()
	return true
}

// unsee forgets where relays saw us.
func (s *state) unsee() {
	clear(s.sight.seen)
	for _, r := range s.held {
		r.elsewhere = false
	}
}
