package stem

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// serveRaw serves one stream of a plain libp2p program. The protocol ID names the cell; there
// is no request and no verdict, and a refusal is a reset.
func (s *Stem) serveRaw(ctx context.Context, peer address.ID, name string, stream pipe.Stream) {
	if peer.IsZero() || !s.tasks.Begin() {
		stream.Abort(errClosing)
		return
	}
	defer s.tasks.Done()
	cell, err := address.ParseName(name)
	if err != nil || cell.Reserved() {
		stream.Abort(wire.Refusal{Code: wire.Bad})
		return
	}
	s.joinRaw(ctx, stream, call{caller: gate.Caller{Peer: peer}, began: time.Now(),
		Address: address.Address{Cell: cell}})
}

// joinRaw connects a stream without request and verdict to a cell. It returns why the call was
// refused.
func (s *Stem) joinRaw(ctx context.Context, stream pipe.Stream, c call) error {
	far, err := s.reach(ctx, &c, nil)
	if err != nil {
		refusal := asRefusal(err)
		stream.Abort(refusal)
		s.recordRefused(c, stream, refusal)
		return refusal
	}
	stream.SetDeadline(c.deadline())
	s.recordEnded(c, routeOf(stream, far), pipe.Join(ctx, stream, far))
	return nil
}
