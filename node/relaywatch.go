package node

import (
	"time"
)

// A relay that vanishes takes with it all who would call us, and one that sees us at
// another address than before tells us that our router has changed it, unless it lies. So
// relays are asked all the time: it is what they are held for.

// look asks all relays where they see us, if it is time, and says when that will be again.
func (r *relays) look() time.Duration {
	if wait := lookEvery - time.Since(r.looked); wait > 0 {
		return wait
	}
	r.looked = time.Now()
	for _, h := range r.held {
		r.node.tasks.Go(func() {
			v := view{conn: h.conn}
			v.at, v.err = r.node.look(r.node.tasks.Context(), h.conn)
			select {
			case r.views <- v:
			case <-r.node.tasks.Context().Done():
			}
		})
	}
	return lookEvery
}

// take takes in what came of it. A relay that is silent is asked again at once, with all
// others, since the silence may be our own network's; one that is silent twice is left.
func (r *relays) take(v view) {
	id := v.conn.RemotePeer()
	h := r.held[id]
	if v.err != nil {
		if h == nil || h.conn != v.conn || v.conn.IsClosed() {
			return
		}
		if h.doubted {
			r.node.log.Info("relay is silent", "peer", id, "err", v.err)
			v.conn.Close()
		}
		h.doubted, r.looked = true, time.Time{}
		return
	}
	if h == nil {
		return
	}
	h.doubted = false
	if !v.at.IsValid() {
		return
	}
	was, known := r.seen[id]
	moved := was.at.Addr() != v.at.Addr()
	if was.conn == v.conn { // another one may well come from another port
		moved = was.at != v.at
	}
	if !known || !moved {
		if len(r.seen) >= maxRelaysSeen {
			clear(r.seen)
		}
		r.seen[id], h.elsewhere = v, false
		return
	}
	if !r.believes(v) {
		if !h.elsewhere {
			r.node.log.Info("relay says that we are elsewhere", "peer", id, "was", was.at, "is",
				v.at)
			h.elsewhere, r.looked = true, time.Time{}
		}
		return
	}
	r.node.log.Info("relay sees us elsewhere", "peer", id, "was", was.at, "is", v.at)
	r.unsee() // else the other one would say so, too
	r.node.tasks.Go(r.node.roam)
}

// believes says whether to believe a relay that says that it sees us elsewhere. To roam
// costs connections, so none shall have us do it as often as it likes: another one has to
// say so, too, be it one that sees us there for the first time. Both are asked at the
// same time, and again as soon as the first says so: it takes no longer. One whom nobody
// contradicts, since the others are silent or there are none, is believed once in
// aloneEvery, and asked until then: it may well be right. No grudge is held against it,
// for it may be the only way to us.
func (r *relays) believes(v view) bool {
	id, denied := v.conn.RemotePeer(), false
	there := v.at.Addr() != r.seen[id].at.Addr() // and not only at another port
	for other, h := range r.held {
		seen, known := r.seen[other]
		if other == id || !known || h.doubted {
			continue
		}
		if h.elsewhere || there && seen.at.Addr() == v.at.Addr() {
			return true
		}
		denied = true
	}
	if denied || !r.alone.IsZero() && time.Since(r.alone) < aloneEvery {
		return false
	}
	r.alone = time.Now()
	return true
}

// unsee forgets where relays saw us.
func (r *relays) unsee() {
	clear(r.seen)
	for _, h := range r.held {
		h.elsewhere = false
	}
}

const (
	// aloneEvery is how often one relay's word is enough.
	aloneEvery = 5 * time.Minute
	// maxRelaysSeen bounds how many relays' views are remembered.
	maxRelaysSeen = 64
)
