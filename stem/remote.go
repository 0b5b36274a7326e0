package stem

import (
	"context"
	"errors"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

var errClosing = errors.New("the stem is closing")

// serveRemote serves one stream of another stem, whose key has proved that it is the
// caller. The network owns the goroutine.
func (s *Stem) serveRemote(ctx context.Context, caller address.ID, stream pipe.Stream) {
	if caller.IsZero() || !s.tasks.Begin() {
		stream.Abort(errClosing)
		return
	}
	defer s.tasks.Done()
	s.serve(ctx, Caller{peer: caller}, stream)
}

// serveRaw serves one stream of a program that is no stem: it has said which cell it
// wants by the protocol it speaks, reads no verdict, and is refused by a reset.
func (s *Stem) serveRaw(ctx context.Context, peer address.ID, name string, stream pipe.Stream) {
	if peer.IsZero() || !s.tasks.Begin() {
		stream.Abort(errClosing)
		return
	}
	defer s.tasks.Done()
	began, caller := time.Now(), Caller{peer: peer}
	cell, err := address.ParseName(name)
	if err != nil || cell.Reserved() {
		stream.Abort(wire.Refusal{Code: wire.Bad})
		return
	}
	w := wanted{Address: address.Address{Cell: cell}}
	far, err := s.reach(ctx, caller, &w, nil)
	if err != nil {
		refusal := wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		errors.As(err, &refusal)
		stream.Abort(refusal)
		s.refused(caller, w, stream, refusal, began)
		return
	}
	s.ended(caller, w, routeOf(stream), pipe.Join(ctx, stream, far), began)
}
