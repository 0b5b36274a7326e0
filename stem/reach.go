package stem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// call is a request to open a cell.
type call struct {
	caller gate.Caller
	began  time.Time
	address.Address
	// at lists places where the peer may be, besides those already known.
	at []address.Place
}

// parseOpen reads a request to open. A peer cannot ask this machine to relay, so its address
// must be local.
func parseOpen(caller gate.Caller, began time.Time, req wire.Request) (c call, err error) {
	c.caller, c.began = caller, began
	if c.Address, err = address.Parse(req.Object); err != nil {
		return c, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
	}
	if !caller.Local() && !c.Peer.IsLocal() {
		return c, wire.Refusal{Code: wire.Bad, Reason: "a peer asked to be relayed"}
	}
	if c.Key == "" {
		c.Key = req.Pairs.Get("key")
	}
	for _, text := range req.Pairs.All("at") {
		peer, err := address.ParsePeer(text)
		place, ok := peer.Place()
		if err != nil || !ok {
			return c, wire.Refusal{Code: wire.Bad,
				Reason: fmt.Sprintf("at=%s is not a place", text)}
		}
		c.at = append(c.at, place)
	}
	return c, nil
}

// deadline limits a call to a cell of the stem's own, which sends one answer. Other calls have
// no limit.
func (c *call) deadline() time.Time {
	if c.Cell.Reserved() {
		return time.Now().Add(lineTimeout)
	}
	return time.Time{}
}

// reach finds the way to the cell: at a peer, or here if the gate is open. early was sent on
// the stream that it returns. In c, a peer found by name or place becomes its ID, and this
// machine becomes local.
func (s *Stem) reach(ctx context.Context, c *call, early []byte) (pipe.Stream, error) {
	rules := s.Policy.Rules()
	if c.caller.Local() && !c.Peer.IsLocal() {
		id, at, err := s.locate(ctx, rules, c.Peer)
		if err != nil {
			return nil, err
		}
		c.Peer = address.Peer{}
		if id != s.Network.ID() {
			c.Peer = address.PeerOf(id)
			return s.reachPeer(ctx, id, append(c.at, at...), *c, early)
		}
	}
	if !gate.Allow(rules, c.caller, c.Cell, c.Key, time.Now()) {
		return nil, wire.Refusal{Code: wire.Denied}
	}
	return s.reachCell(ctx, *c, early)
}

// locate returns a peer's ID and the places where it may be.
func (s *Stem) locate(ctx context.Context, rules *gate.Rules,
	peer address.Peer) (id address.ID, at []address.Place, err error) {
	id, _ = peer.ID()
	if name, ok := peer.Petname(); ok {
		if id, err = petnamed(rules, name); err != nil {
			return id, nil, err
		}
	}
	if place, ok := peer.Place(); ok {
		if id, err = s.whois(ctx, place); err != nil {
			return id, nil, err
		}
		at = append(at, place)
	}
	return id, append(at, rules.At[id]...), nil
}

// petnamed returns the ID of the peer with a petname.
func petnamed(rules *gate.Rules, name address.Petname) (address.ID, error) {
	id, ok := rules.Petnames[name]
	if !ok {
		return id, wire.Refusal{Code: wire.Unreachable,
			Reason: "no peer is called " + name.String()}
	}
	return id, nil
}

// reachCell connects to a cell of this machine.
func (s *Stem) reachCell(ctx context.Context, c call, early []byte) (pipe.Stream, error) {
	if c.Cell.Reserved() {
		return s.reachReserved(ctx, c)
	}
	stream, err := s.Cells.Connect(ctx, c.Cell, c.caller)
	if err != nil {
		return nil, err
	}
	if len(early) > 0 {
		// It fits in the socket's buffer. A cell that has closed already may have sent an answer.
		if _, err := stream.Write(early); err != nil && !errors.Is(err, pipe.ErrStopped) {
			stream.Abort(err)
			return nil, asRefusal(err)
		}
	}
	return stream, nil
}

const (
	// peerTimeout limits the search for another stem, also if connections turn out to be dead.
	peerTimeout = 7 * time.Second
	// verdictTimeout limits how long another stem may take: it may have to start a cell.
	verdictTimeout = dna.MaxStartTimeout + lineTimeout
)

// reachPeer passes the request on to the stem of another machine. If the connection turns out
// to be dead, it sends the request again: the far cell may see a second call, but has done no
// work for the first. What the caller sent early is not repeated.
func (s *Stem) reachPeer(ctx context.Context, id address.ID, at []address.Place, c call,
	early []byte) (pipe.Stream, error) {
	opening, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	far, err := s.request(ctx, opening, id, at, c, early)
	if errors.Is(err, pipe.ErrUnanswered) && len(early) == 0 && opening.Err() == nil {
		far, err = s.request(ctx, opening, id, at, c, early)
	}
	if refusal := (wire.Refusal{}); err != nil && !errors.As(err, &refusal) {
		return nil, wire.Refusal{Code: wire.Unreachable,
			Reason: fmt.Sprintf("the connection was lost before the peer answered: %v", err)}
	}
	return far, err
}

// request sends the request to the other stem once and reads the verdict. opening limits the
// dialling.
func (s *Stem) request(ctx, opening context.Context, id address.ID, at []address.Place, c call,
	early []byte) (pipe.Stream, error) {
	far, err := s.Network.Open(opening, id, at...)
	if err != nil {
		return nil, unreachable(err, c)
	}
	stop := context.AfterFunc(ctx, func() { far.Abort(context.Cause(ctx)) })
	defer stop()
	far.SetDeadline(time.Now().Add(verdictTimeout))
	req := wire.Request{Verb: wire.Open, Object: c.Cell.String()}
	if c.Key != "" {
		req.Pairs = wire.Pairs{{"key", c.Key}}
	}
	if _, err = io.WriteString(far, req.String()+string(early)); err != nil &&
		!errors.Is(err, pipe.ErrStopped) {
		err = fmt.Errorf("send the request: %w", err)
		far.Abort(err)
		return nil, explain(err, c)
	}
	_, rest, err := wire.ReadVerdict(far)
	if err != nil {
		far.Abort(err)
		return nil, explain(err, c)
	}
	far.SetDeadline(time.Time{})
	return pipe.Unread(far, rest), nil
}

// unreachable is for errors of Network.Open, which may report a refusal without a verdict.
func unreachable(err error, c call) error {
	if refusal := (wire.Refusal{}); errors.As(err, &refusal) {
		return explain(refusal, c)
	}
	return wire.Refusal{Code: wire.Unreachable, Reason: err.Error()}
}

// explain adds words to the bare code of another stem. Other errors it returns unchanged.
func explain(err error, c call) error {
	if errors.Is(err, pipe.ErrAborted) { // the reset discarded the verdict before it
		return wire.Refusal{Code: wire.Failed, Reason: fmt.Sprintf(
			"that machine accepted the call to %s and broke it off at once: its owner can see why",
			c.Cell)}
	}
	var refusal wire.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	// Only our own stem may report Changed: the user would be told to forget the place.
	if refusal.Code == wire.Changed {
		refusal.Code = wire.Failed
	}
	refusal.Reason = map[wire.Code]string{
		wire.Denied:   "denied: that machine does not let this one reach " + c.Cell.String(),
		wire.NotFound: "that machine has no cell " + c.Cell.String(),
		wire.Failed: c.Cell.String() + " could not be started there: its owner can see why with " +
			`"cell logs ` + c.Cell.String() + `"`,
		wire.Busy: "that machine has too many requests: try again later",
	}[refusal.Code]
	if refusal.Code == wire.Denied && c.Key != "" && c.Cell != gate.JoinCell {
		refusal.Reason += " with this key" + keyProblem(c.Key)
	}
	return refusal
}

// keyProblem returns what the key itself shows to be wrong with it, or "".
func keyProblem(key string) string {
	k, err := capability.Parse(key)
	switch {
	case err != nil:
		return ", which is damaged: copy all of it again"
	case time.Now().After(k.Expires):
		return ", which expired on " + k.Expires.Local().Format(time.DateTime)
	}
	return ""
}
