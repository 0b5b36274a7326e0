package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// flight is the one search for a peer that all who want it at this time share. It ends
// with the first connection, when nobody knows any more, or with the last of those who
// wait.
type flight struct {
	node   *Node
	id     peer.ID
	ctx    context.Context // ends with the flight
	cancel context.CancelFunc
	done   chan struct{} // closed at the end: conn is set, or stays nil

	// guarded by node.mu
	waiting int // for the end
	working int // steps under way
	over    bool
	conn    network.Conn
	findErr error
	dialErr error
	others  map[string]peer.ID // who answered at an address, if not the peer
}

// board joins the flight to the peer, or begins one, and adds the places to what it tries.
func (n *Node) board(id peer.ID, at []*spot) *flight {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.flights[id]
	if f == nil {
		f = &flight{node: n, id: id, done: make(chan struct{}), others: map[string]peer.ID{}}
		f.ctx, f.cancel = context.WithTimeout(n.tasks.Context(), seekWait)
		n.flights[id] = f
		// someone asks now: what failed a while ago is no reason to wait
		n.swarm.Backoff().Clear(id)
		if len(n.host.Peerstore().Addrs(id)) > 0 {
			f.begin(f.dial)
		}
		f.begin(f.find)
	}
	f.waiting++
	for _, s := range at {
		f.begin(func() { f.visit(s) })
	}
	return f
}

func (n *Node) leave(f *flight) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.land(nil)
	}
}

// begin has a step run, unless the node has ended; node.mu is held.
func (f *flight) begin(step func()) {
	f.working++
	if !f.node.tasks.Go(func() {
		step()
		f.node.mu.Lock()
		defer f.node.mu.Unlock()
		f.end()
	}) {
		f.end()
	}
}

// end is called for each step that has come to its end, and the last one brings the
// flight down; node.mu is held.
func (f *flight) end() {
	if f.working--; f.working == 0 {
		f.land(nil)
	}
}

// land ends the flight, if it has not ended, so that nobody boards it any more; node.mu is held.
func (f *flight) land(conn network.Conn) {
	if f.over {
		return
	}
	f.over, f.conn = true, conn
	delete(f.node.flights, f.id)
	f.cancel()
	close(f.done)
}
