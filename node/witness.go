package node

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
)

// A witness is told what happens on the way to a peer. Hardly ever is there one, and then
// whoever could tell something looks at a counter and goes on; nor does anyone wait for a
// witness.
type witness struct {
	id     peer.ID
	events chan trace.Event
	dialed map[string]bool // the addresses that it has been told of; guarded by witnesses.mu
}

// witnesses are those of a node. The zero value is none.
type witnesses struct {
	number atomic.Int32
	mu     sync.Mutex
	list   []*witness
}

// maxEvents bounds what waits to be told; what does not fit is left out.
const maxEvents = 256

// call returns a new witness of the way to a peer, until it is dismissed.
func (all *witnesses) call(id peer.ID) *witness {
	w := &witness{id: id, events: make(chan trace.Event, maxEvents), dialed: map[string]bool{}}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.list = append(all.list, w)
	all.number.Add(1)
	return w
}

func (all *witnesses) dismiss(w *witness) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for i, other := range all.list {
		if other == w {
			all.list = append(all.list[:i:i], all.list[i+1:]...)
			all.number.Add(-1)
			return
		}
	}
}

// none says whether there is nobody to tell.
func (all *witnesses) none() bool { return all.number.Load() == 0 }

// tell tells an event to those whom it concerns.
func (all *witnesses) tell(concerns func(*witness) bool, e trace.Event) {
	if all.none() {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, w := range all.list {
		if concerns(w) {
			w.tell(e)
		}
	}
}

func (w *witness) tell(e trace.Event) {
	select {
	case w.events <- e:
	default:
	}
}

// of concerns the witnesses of the way to a peer.
func of(id peer.ID) func(*witness) bool {
	return func(w *witness) bool { return w.id == id }
}

// found is what discovery tells of a peer.
func (all *witnesses) found(id peer.ID) discovery.Told {
	return func(source string, addrs []ma.Multiaddr, err error) {
		if all.none() {
			return
		}
		if err != nil {
			all.tell(of(id), trace.Event{Kind: trace.Nothing, Source: source, Reason: err.Error()})
			return
		}
		all.tell(of(id), trace.Event{Kind: trace.Found, Source: source,
			Addresses: maddrs.Strings(addrs)})
	}
}

// visited tells what became of a place that was given along. Where it is an address
// itself there is no news in that.
func (all *witnesses) visited(id peer.ID, s *spot, addrs []ma.Multiaddr, err error) {
	switch {
	case err != nil:
		all.tell(of(id), trace.Event{Kind: trace.Nothing, Source: trace.Named,
			Reason: fmt.Sprintf("%s %v", s.place, err)})
	case s.name != "":
		all.tell(of(id), trace.Event{Kind: trace.Found, Source: trace.Named,
			Addresses: maddrs.Strings(addrs)})
	}
}

// tellDials tells which addresses are dialled from now on.
func (n *Node) tellDials(id peer.ID) {
	if n.witnesses.none() {
		return
	}
	for _, d := range n.paths.rank(n.host.Peerstore().Addrs(id)) {
		address := d.Addr.String()
		n.witnesses.tell(func(w *witness) bool {
			fresh := w.id == id && !w.dialed[address]
			w.dialed[address] = w.dialed[address] || fresh
			return fresh
		}, trace.Event{Kind: trace.Dial, Address: address, Wait: trace.MS(d.Delay)})
	}
}
