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
)

const (
	// openWait bounds an Open or a Whois whose ctx has no earlier deadline.
	openWait = 7 * time.Second
	// maxOpens is how many connections, each of which turns out to be dead, an Open puts up with.
	maxOpens = 4
	// doubtAfter is how long a call waits for the first answer before the connection has
	// to prove that it is alive.
	doubtAfter = 300 * time.Millisecond
)

// Open finds the peer, connects to it if need be, and begins a call. at are places where
// it may be, besides those that are found: they are dialled with the first attempt. ctx
// covers finding and connecting, not the stream. The error names what was tried; it is a
// *Mismatch if nothing works and somebody else answered at one of the places.
func (n *Node) Open(ctx context.Context, to address.ID, at ...address.Place) (pipe.Stream, error) {
	id, spots, err := n.decode(to, at)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	stop := context.AfterFunc(n.tasks.Context(), cancel)
	defer stop()

	s, err := n.open(ctx, id, spots)
	for try := 1; try < maxOpens && errors.Is(err, pipe.ErrUnanswered) && ctx.Err() == nil; try++ {
		n.leaveRelays(id)
		s, err = n.open(ctx, id, spots) // on another connection
	}
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	return s, nil
}

// decode makes libp2p's terms of checked ones.
func (n *Node) decode(to address.ID, at []address.Place) (peer.ID, []*spot, error) {
	id, err := peer.Decode(to.String())
	if err != nil {
		return "", nil, errors.New("is nobody's ID")
	}
	if id == n.host.ID() {
		return "", nil, errors.New("is this machine itself")
	}
	var spots []*spot
	for _, place := range at {
		s, err := newSpot(place)
		if err == nil && s.peer != "" && s.peer != id {
			err = fmt.Errorf("is said to be %s", s.peer)
		}
		if err != nil {
			return "", nil, fmt.Errorf("place %s %w", place, err)
		}
		spots = append(spots, s)
	}
	return id, spots, nil
}

func (n *Node) open(ctx context.Context, id peer.ID, at []*spot) (*stream, error) {
	ctx = network.WithAllowLimitedConn(ctx, "call")
	conn, fresh, err := n.connect(ctx, id, at)
	if err != nil {
		return nil, err
	}
	l := n.linkOf(conn)
	l.called.Store(true)
	if fresh {
		l.hear()
		n.finder.Seen(id, time.Now())
	}
	raw, err := conn.NewStream(ctx)
	if err != nil {
		if ctx.Err() == nil && l.isGone() {
			err = fmt.Errorf("%w: %w", pipe.ErrUnanswered, err)
		}
		return nil, fmt.Errorf("open stream: %w", err)
	}
	if err := raw.SetProtocol(Protocol); err != nil {
		raw.Reset()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	s := newStream(raw, l, true)
	// The negotiation rides along with the first bytes, which saves a round trip, at the
	// risk that the connection has died since it was last used. Where that was not
	// lately, the round trip is paid.
	if !l.heardLately() {
		if err := s.prove(ctx); err != nil {
			s.Abort(err)
			return nil, err
		}
	}
	return s, nil
}

// prove waits for the negotiation.
func (s *stream) prove(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.raw.Reset() })
	err := s.handshake() // nobody else has the stream yet
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("open stream: %w", cut(err))
	}
	return nil
}
