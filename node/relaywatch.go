package node

import (
	"time"
)

// A relay that vanishes takes with it all who would call us, and one that sees us at another address than before tells us
// that our router has changed it. So relays are asked all the time: it is what they are held for.

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

// take takes in what came of it. A relay that is silent is asked again at once, with all others, since the silence may be our own
// network's; one that is silent twice is left.
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
	if h != nil {
		h.doubted = false
	}
	if !v.at.IsValid() {
		return
	}
	was, known := r.seen[id]
	if len(r.seen) >= maxRelaysSeen {
		clear(r.seen)
	}
	r.seen[id] = v
	moved := was.at.Addr() != v.at.Addr()
	if was.conn == v.conn { // another one may well come from another port
		moved = was.at != v.at
	}
	if known && moved {
		r.node.log.Info("relay sees us elsewhere", "peer", id, "was", was.at, "is", v.at)
		clear(r.seen) // else the other one would say so, too
		r.node.tasks.Go(r.node.roam)
	}
}

// maxRelaysSeen bounds how many relays' views are remembered.
const maxRelaysSeen = 64
