package stem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// reachReserved answers in place of a cell, under a name that is reserved for the stem. The
// gate has let the caller in.
func (s *Stem) reachReserved(ctx context.Context, c call) (pipe.Stream, error) {
	switch {
	case c.Cell == gate.JoinCell && !c.caller.Local():
		return pipe.Answer(s.join(ctx, c)), nil
	case c.Cell == gate.ListCell:
		return pipe.Answer(s.list(c.caller)), nil
	}
	return nil, wire.Refusal{Code: wire.NotFound,
		Reason: fmt.Sprintf("%s is not running, and the name is reserved for the stem", c.Cell)}
}

// list returns the cells that the caller may reach, one a line: those that run or could be
// started.
func (s *Stem) list(caller gate.Caller) string {
	rules, now := s.Policy.Rules(), time.Now()
	var lines []string
	for _, cell := range s.Cells.Known() {
		if !cell.Reserved() && gate.Allow(rules, caller, cell, "", now) {
			lines = append(lines, cell.String()+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "")
}

// join answers a caller that has proved an invite, with a verdict line of its own: what the
// caller may reach now, or what is wrong with the invite.
func (s *Stem) join(ctx context.Context, c call) string {
	grant, err := s.Policy.Join(ctx, c.caller.Peer, c.Key, time.Now())
	var refusal wire.Refusal
	switch {
	case err == nil:
		s.Log.Info("a peer joined by invite", "peer", c.caller, "cells", grant.Words())
		return wire.OK([2]string{"cells", strings.Join(grant.Words(), ",")})
	case errors.As(err, &refusal):
		return wire.No(refusal)
	default:
		s.Log.Warn("join failed", "peer", c.caller, "err", err)
		return wire.No(wire.Refusal{Code: wire.Failed})
	}
}
