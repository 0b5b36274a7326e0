package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/node/peerconn"
)

const (
	// openWait bounds an Open or a Whois whose ctx has no earlier deadline.
	openWait = 7 * time.Second
	// maxOpens is how many dead connections in a row an Open puts up with.
	maxOpens = 4
)

// Open finds the peer, connects to it if there is no connection yet, and begins a call. at
// are places where the peer may be, which are dialled along with those that are found. ctx
// covers finding and connecting, not the stream. The error names what was tried. It is a
// *Mismatch if nothing works and another peer answered at one of the places.
func (n *Node) Open(ctx context.Context, to address.ID, at ...address.Place) (pipe.Stream, error) {
	id, targets, err := n.decode(to, at)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	stop := context.AfterFunc(n.tasks.Context(), cancel)
	defer stop()

	s, err := n.open(ctx, id, targets)
	for try := 1; try < maxOpens && errors.Is(err, pipe.ErrUnanswered) && ctx.Err() == nil; try++ {
		n.conns.LeaveRelayed(id)
		s, err = n.open(ctx, id, targets) // on another connection
	}
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	return s, nil
}

// decode converts an ID and places to libp2p's types.
func (n *Node) decode(to address.ID, at []address.Place) (peer.ID, []*target, error) {
	id, err := peer.Decode(to.String())
	if err != nil {
		return "", nil, errors.New("is not a valid peer ID")
	}
	if id == n.host.ID() {
		return "", nil, errors.New("is this machine itself")
	}
	var targets []*target
	for _, place := range at {
		t, err := newTarget(place)
		if err == nil && t.peer != "" && t.peer != id {
			err = fmt.Errorf("is said to be %s", t.peer)
		}
		if err != nil {
			return "", nil, fmt.Errorf("place %s %w", place, err)
		}
		targets = append(targets, t)
	}
	return id, targets, nil
}

func (n *Node) open(ctx context.Context, id peer.ID, at []*target) (*peerconn.Stream, error) {
	ctx = network.WithAllowLimitedConn(ctx, "call")
	raw, fresh, err := n.connect(ctx, id, at)
	if err != nil {
		return nil, err
	}
	conn := n.conns.Of(raw)
	if fresh {
		conn.Hear()
	}
	s, err := conn.Open(ctx)
	if err != nil {
		return nil, err
	}
	n.finder.Reached(raw, conn.Heard())
	return s, nil
}
