package stem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// own answers in the place of a cell whose name is one of the stem's own. The gate has let the caller in.
func (s *Stem) own(ctx context.Context, caller Caller, w wanted) (pipe.Stream, error) {
	if w.Cell != joinCell || caller.local() {
		return nil, wire.Refusal{Code: wire.NotFound, Reason: fmt.Sprintf("%s is not running, and no dna may be called so", w.Cell)}
	}
	return pipe.Answer(s.join(ctx, caller, w.Key)), nil
}

// join answers a caller who has proved that it has an invite: with a verdict line of its own, which says what it may
// reach, or what has become of the invite.
func (s *Stem) join(ctx context.Context, caller Caller, proof string) string {
	grant, err := s.Policy.Join(ctx, caller.peer, proof, time.Now())
	var refusal wire.Refusal
	switch {
	case err == nil:
		s.Log.Info("a peer joined by invite", "peer", caller, "cells", grant.Words())
		return wire.OK([2]string{"cells", strings.Join(grant.Words(), ",")})
	case errors.As(err, &refusal):
		return wire.No(refusal)
	default:
		s.Log.Warn("an invite could not be answered", "peer", caller, "err", err)
		return wire.No(wire.Refusal{Code: wire.Failed})
	}
}
