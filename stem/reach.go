package stem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// reach turns a request into a stream to the cell it names: at a peer elsewhere, or here if the gate is open.
// early has been sent on it.
func (s *Stem) reach(ctx context.Context, caller Caller, req wire.Request, early []byte) (pipe.Stream, error) {
	to, err := address.Parse(req.Object)
	if err != nil {
		return nil, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
	}
	if !caller.local() && !to.Peer.IsLocal() { // other stems may not be relayed onward
		return nil, wire.Refusal{Code: wire.Bad}
	}
	rules := s.Policy.Rules()
	peer, err := s.resolve(rules, to.Peer)
	if err != nil {
		return nil, err
	}
	if !peer.IsLocal() {
		return s.reachPeer(ctx, address.Address{Cell: to.Cell, Peer: peer}, early)
	}
	if !gate(rules, caller, to.Cell) {
		return nil, wire.Refusal{Code: wire.Denied}
	}
	return s.reachCell(ctx, caller, to.Cell, early)
}

// resolve looks a petname up. This machine's own ID or petname is here.
func (s *Stem) resolve(rules *Rules, peer address.Peer) (address.Peer, error) {
	if name, ok := peer.Petname(); ok {
		id, known := rules.Petnames[name]
		if !known {
			return peer, wire.Refusal{Code: wire.Unreachable, Reason: fmt.Sprintf("no peer is called %s", name)}
		}
		peer = address.PeerOf(id)
	}
	if id, ok := peer.ID(); ok && id == s.Network.ID() {
		return address.Peer{}, nil
	}
	return peer, nil
}

// reachCell connects to a cell of this machine.
func (s *Stem) reachCell(ctx context.Context, caller Caller, cell address.Name, early []byte) (pipe.Stream, error) {
	stream, err := s.Cells.Connect(ctx, cell, caller)
	if err != nil {
		return nil, err
	}
	if len(early) > 0 {
		// It fits in the socket's buffer. If the cell has closed already, it may still have something to say.
		if _, err := stream.Write(early); err != nil && !errors.Is(err, pipe.ErrStopped) {
			stream.Abort(err)
			return nil, wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		}
	}
	return stream, nil
}

// verdictTimeout is how long another stem may take: as long as it may wait for a cell that starts, and some more.
const verdictTimeout = dna.MaxStartTimeout + lineTimeout

// reachPeer passes the request on to the stem of another machine, in the words for its door, and reads the verdict.
func (s *Stem) reachPeer(ctx context.Context, to address.Address, early []byte) (pipe.Stream, error) {
	far, err := s.Network.Open(ctx, to.Peer)
	if err != nil {
		return nil, wire.Refusal{Code: wire.Unreachable, Reason: err.Error()}
	}
	stop := context.AfterFunc(ctx, func() { far.Abort(context.Cause(ctx)) })
	defer stop()
	far.SetDeadline(time.Now().Add(verdictTimeout))
	line := wire.Request{Verb: wire.Open, Object: to.Cell.String()}.String()
	if _, err = io.WriteString(far, line+string(early)); err != nil && !errors.Is(err, pipe.ErrStopped) {
		err = fmt.Errorf("send the request: %w", err)
		far.Abort(err)
		return nil, wire.Refusal{Code: wire.Unreachable, Reason: err.Error()}
	}
	_, rest, err := wire.ReadVerdict(far)
	if err != nil {
		far.Abort(err)
		return nil, explain(err, to)
	}
	far.SetDeadline(time.Time{})
	return pipe.Unread(far, rest), nil
}

// explain puts the bare code of another stem in words, for the user here.
func explain(err error, to address.Address) error {
	var refusal wire.Refusal
	if !errors.As(err, &refusal) {
		return wire.Refusal{Code: wire.Unreachable, Reason: fmt.Sprintf("the connection was lost before the peer answered: %v", err)}
	}
	reason := map[wire.Code]string{
		wire.Denied:   "denied: that machine does not let this one reach " + to.Cell.String(),
		wire.NotFound: "that machine has no cell " + to.Cell.String(),
		wire.Failed:   to.Cell.String() + " could not be started there: its owner can see why",
		wire.Busy:     "that machine is asked too much at once: try again later",
	}[refusal.Code]
	if refusal.Reason == "" {
		refusal.Reason = reason
	}
	return refusal
}
