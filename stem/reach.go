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
)

// wanted is what a request to open asks for.
type wanted struct {
	address.Address
	// At are places where the peer may be, besides those that are known and found.
	At []address.Place
}

// parseOpen reads a request to open. Other stems may not be relayed onward, so what they
// want has no peer.
func parseOpen(caller Caller, req wire.Request) (w wanted, err error) {
	if w.Address, err = address.Parse(req.Object); err != nil {
		return w, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
	}
	if !caller.local() && !w.Peer.IsLocal() {
		return w, wire.Refusal{Code: wire.Bad, Reason: "asks to be relayed onward"}
	}
	if w.Key == "" {
		w.Key = req.Pairs.Get("key")
	}
	for _, text := range req.Pairs.All("at") {
		peer, err := address.ParsePeer(text)
		place, ok := peer.Place()
		if err != nil || !ok {
			return w, wire.Refusal{Code: wire.Bad,
				Reason: fmt.Sprintf("at=%s is not a place", text)}
		}
		w.At = append(w.At, place)
	}
	return w, nil
}

// reach finds the way to the cell that is wanted: at a peer elsewhere, or here if the
// gate is open. early has been sent on the stream it returns. However the peer was
// called, it is known by its ID from then on, and this machine as none.
func (s *Stem) reach(ctx context.Context, caller Caller, w *wanted,
	early []byte) (pipe.Stream, error) {
	rules := s.Policy.Rules()
	if caller.local() && !w.Peer.IsLocal() {
		id, at, err := s.locate(ctx, rules, *w)
		if err != nil {
			return nil, err
		}
		w.Peer = address.Peer{}
		if id != s.Network.ID() {
			w.Peer = address.PeerOf(id)
			return s.reachPeer(ctx, id, at, *w, early)
		}
	}
	if !gate(rules, caller, w.Cell, w.Key, time.Now()) {
		return nil, wire.Refusal{Code: wire.Denied}
	}
	return s.reachCell(ctx, caller, *w, early)
}

// locate tells which peer is meant, and where it may be besides where it will be found.
func (s *Stem) locate(ctx context.Context, rules *Rules,
	w wanted) (id address.ID, at []address.Place, err error) {
	id, _ = w.Peer.ID()
	if name, ok := w.Peer.Petname(); ok {
		if id, ok = rules.Petnames[name]; !ok {
			return id, nil, wire.Refusal{Code: wire.Unreachable,
				Reason: fmt.Sprintf("no peer is called %s", name)}
		}
	}
	at = w.At
	if place, ok := w.Peer.Place(); ok {
		if id, err = s.whois(ctx, place); err != nil {
			return id, nil, err
		}
		at = append(at, place)
	}
	return id, append(at, rules.At[id]...), nil
}

// reachCell connects to a cell of this machine.
func (s *Stem) reachCell(ctx context.Context, caller Caller, w wanted,
	early []byte) (pipe.Stream, error) {
	if w.Cell.Reserved() {
		return s.own(ctx, caller, w)
	}
	stream, err := s.Cells.Connect(ctx, w.Cell, caller)
	if err != nil {
		return nil, err
	}
	if len(early) > 0 {
		// It fits in the socket's buffer. If the cell has closed already, it may still
		// have something to say.
		if _, err := stream.Write(early); err != nil && !errors.Is(err, pipe.ErrStopped) {
			stream.Abort(err)
			return nil, wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		}
	}
	return stream, nil
}

// reachWait bounds the search for another stem, on however many connections that turn out
// to be dead.
const reachWait = 7 * time.Second

// verdictTimeout is how long another stem may take: as long as it may wait for a cell
// that starts, and some more.
const verdictTimeout = dna.MaxStartTimeout + lineTimeout

// reachPeer passes the request on to the stem of another machine. On a connection that
// turns out to be dead the request may be lost, or its answer, so it is made once more: a
// cell that is called twice, and hung up on once, has not been told anything. What the
// caller has sent early is not repeated.
func (s *Stem) reachPeer(ctx context.Context, id address.ID, at []address.Place, w wanted,
	early []byte) (pipe.Stream, error) {
	reaching, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	far, err := s.request(ctx, reaching, id, at, w, early)
	if errors.Is(err, pipe.ErrUnanswered) && len(early) == 0 && reaching.Err() == nil {
		far, err = s.request(ctx, reaching, id, at, w, early)
	}
	var refusal wire.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return nil, wire.Refusal{Code: wire.Unreachable,
			Reason: fmt.Sprintf("the connection was lost before the peer answered: %v", err)}
	}
	return far, err
}

// request makes it once, in the words for the other stem's door, and reads the verdict.
func (s *Stem) request(ctx, reaching context.Context, id address.ID, at []address.Place, w wanted,
	early []byte) (pipe.Stream, error) {
	far, err := s.Network.Open(reaching, id, at...)
	if err != nil {
		return nil, unreached(err, w)
	}
	stop := context.AfterFunc(ctx, func() { far.Abort(context.Cause(ctx)) })
	defer stop()
	far.SetDeadline(time.Now().Add(verdictTimeout))
	req := wire.Request{Verb: wire.Open, Object: w.Cell.String()}
	if w.Key != "" {
		req.Pairs = wire.Pairs{{"key", w.Key}}
	}
	if _, err = io.WriteString(far, req.String()+string(early)); err != nil &&
		!errors.Is(err, pipe.ErrStopped) {
		err = fmt.Errorf("send the request: %w", err)
		far.Abort(err)
		return nil, explain(err, w)
	}
	_, rest, err := wire.ReadVerdict(far)
	if err != nil {
		far.Abort(err)
		return nil, explain(err, w)
	}
	far.SetDeadline(time.Time{})
	return pipe.Unread(far, rest), nil
}

// unreached is for errors before there could be a verdict. A network may know of a refusal without.
func unreached(err error, w wanted) error {
	if refusal := (wire.Refusal{}); errors.As(err, &refusal) {
		return explain(refusal, w)
	}
	return wire.Refusal{Code: wire.Unreachable, Reason: err.Error()}
}

// explain puts the bare code of another stem in words, for the user here. Other errors it
// leaves alone.
func explain(err error, w wanted) error {
	var refusal wire.Refusal
	if errors.Is(err, pipe.ErrAborted) { // a cut overtakes the verdict before it
		return wire.Refusal{Code: wire.Failed,
			Reason: fmt.Sprintf("that machine took the call to %s and broke it off at once: its owner can see why", w.Cell)}
	}
	if !errors.As(err, &refusal) {
		return err
	}
	// only our own stem may say so of a place: our user would be told to forget it
	if refusal.Code == wire.Changed {
		refusal.Code = wire.Failed
	}
	refusal.Reason = map[wire.Code]string{
		wire.Denied:   "denied: that machine does not let this one reach " + w.Cell.String(),
		wire.NotFound: "that machine has no cell " + w.Cell.String(),
		wire.Failed:   w.Cell.String() + " could not be started there: its owner can see why",
		wire.Busy:     "that machine is asked too much at once: try again later",
	}[refusal.Code]
	if refusal.Code == wire.Denied && w.Key != "" && w.Cell != joinCell {
		refusal.Reason += " with this key" + expired(w.Key)
	}
	return refusal
}

// expired says whether a key is too old, which it says itself.
func expired(key string) string {
	k, err := capability.Parse(key)
	switch {
	case err != nil:
		return ", which is damaged: copy it again, whole"
	case time.Now().After(k.Expires):
		return ", which expired on " + k.Expires.Local().Format(time.DateTime)
	}
	return ""
}
