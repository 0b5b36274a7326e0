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
)

// own answers in the place of a cell whose name is one of the stem's own. The gate has
// let the caller in.
func (s *Stem) own(ctx context.Context, caller Caller, w wanted) (pipe.Stream, error) {
	switch {
	case w.Cell == joinCell && !caller.local():
		return pipe.Answer(s.join(ctx, caller, w.Key)), nil
	case w.Cell == listCell:
		return pipe.Answer(s.list(caller)), nil
	}
	return nil, wire.Refusal{Code: wire.NotFound,
		Reason: fmt.Sprintf("%s is not running, and no dna may be called so", w.Cell)}
}

// list names the cells that the caller may call, one a line: those that run or could
// grow, as far as the gate lets it.
func (s *Stem) list(caller Caller) string {
	rules, now := s.Policy.Rules(), time.Now()
	var lines []string
	for _, cell := range s.Cells.Known() {
		if !cell.Reserved() && gate(rules, caller, cell, "", now) {
			lines = append(lines, cell.String()+"\n")
		}
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "")
}

// join answers a caller who has proved that it has an invite: with a verdict line of its
// own, which says what it may reach, or what has become of the invite.
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
