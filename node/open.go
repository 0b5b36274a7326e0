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
	openWait = 15 * time.Second
	// proveWait is how long a connection that nobody watched may take to prove that it is alive.
	proveWait = 1500 * time.Millisecond
)

// Open finds the peer, connects to it if need be, and begins a call. at are places where it may be, besides those
// that are found: they are dialled with the first attempt. ctx covers finding and connecting, not the stream. The
// error names what was tried; it is a *Mismatch if nothing works and somebody else answered at one of the places.
func (n *Node) Open(ctx context.Context, to address.ID, at ...address.Place) (pipe.Stream, error) {
	id, spots, err := n.decode(to, at)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", to, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	stop := context.AfterFunc(n.life, cancel)
	defer stop()

	s, err := n.open(ctx, id, spots)
	if errors.Is(err, errDied) {
		n.leaveRelays(id)
		s, err = n.open(ctx, id, spots) // on a fresh connection
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

// errDied says that a connection we already had turned out to be dead.
var errDied = errors.New("connection is dead")

func (n *Node) open(ctx context.Context, id peer.ID, at []*spot) (*stream, error) {
	ctx = network.WithAllowLimitedConn(ctx, "call")
	conn, fresh, err := n.connect(ctx, id, at)
	if err != nil {
		return nil, err
	}
	l := n.linkOf(conn)
	if fresh {
		l.hear()
	}
	raw, err := conn.NewStream(ctx)
	if err != nil {
		if conn.IsClosed() && ctx.Err() == nil {
			return nil, fmt.Errorf("%w: %w", errDied, err)
		}
		return nil, fmt.Errorf("open stream: %w", err)
	}
	if err := raw.SetProtocol(Protocol); err != nil {
		raw.Reset()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	s := newStream(raw, l, true)
	// The negotiation rides along with the first bytes, which saves a round trip, at the risk that the
	// connection has died since it was last used. Where that was not lately, the round trip is paid.
	if !l.heardLately() {
		if err := s.prove(ctx); err != nil {
			s.Abort(err)
			return nil, err
		}
	}
	return s, nil
}

// prove waits for the negotiation. A connection that does not answer is closed, so that the next try makes another.
func (s *stream) prove(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, proveWait)
	defer cancel()
	stop := context.AfterFunc(limit, func() { s.raw.Reset() })
	err := s.handshake() // nobody else has the stream yet
	if stop() && err == nil {
		s.on.hear()
		return nil
	}
	conn := s.raw.Conn()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("open stream: %w", ctx.Err())
	case limit.Err() != nil:
		conn.Close()
		return fmt.Errorf("%w: no answer in %v", errDied, proveWait)
	case conn.IsClosed():
		return fmt.Errorf("%w: %w", errDied, err)
	}
	return cut("open stream", err)
}
