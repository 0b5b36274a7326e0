package discovery

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
)

// Lookup describes one lookup of a peer in the mesh, up to the first address or until it
// was given up.
type Lookup struct {
	Peer  peer.ID
	Found bool
	// Asked is how many members were asked.
	Asked int
	// Hops is how far away the member was that knew: 1 for one that we knew, 2 for one
	// that it named, and so on; 0 if nobody had to be asked.
	Hops int
	Took time.Duration
}

// tally counts the events of a lookup.
type tally struct {
	Lookup
	began time.Time
	depth map[peer.ID]int // hops to each member; 1 for one that we knew
	last  int             // the depth of the last one that answered
}

func newTally(id peer.ID) *tally {
	return &tally{Lookup: Lookup{Peer: id}, began: time.Now(), depth: map[peer.ID]int{}}
}

// note takes in an event.
func (t *tally) note(e *routing.QueryEvent) {
	if t.Found {
		return
	}
	if t.depth[e.ID] == 0 {
		t.depth[e.ID] = 1
	}
	switch e.Type {
	case routing.SendingQuery:
		t.Asked++
	case routing.PeerResponse:
		t.last = t.depth[e.ID]
		for _, info := range e.Responses {
			if t.depth[info.ID] == 0 {
				t.depth[info.ID] = t.depth[e.ID] + 1
			}
			if info.ID == t.Peer && len(info.Addrs) > 0 {
				t.found(t.depth[e.ID])
			}
		}
	}
}

// found ends the count.
func (t *tally) found(hops int) {
	if !t.Found {
		t.Found, t.Hops, t.Took = true, hops, time.Since(t.began)
	}
}

// end returns the result.
func (t *tally) end() Lookup {
	if !t.Found {
		t.Took = time.Since(t.began)
	}
	return t.Lookup
}
