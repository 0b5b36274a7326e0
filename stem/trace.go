package stem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// Tracer reports how a peer is found and reached. It calls tell from one goroutine; an error
// from tell means that the user has left. The text of its own errors follows the peer's name.
type Tracer interface {
	// Ping connects to a peer as a call would and pings it count times.
	Ping(ctx context.Context, to address.ID, count int, tell func(trace.Event) error,
		at ...address.Place) error

	// Find asks every source that may know where the peer is.
	Find(ctx context.Context, to address.ID, tell func(trace.Event) error) error
}

// maxPings limits one request.
const maxPings = 1000

// traceRequest is a request to ping or find a peer.
type traceRequest struct {
	verb  wire.Verb
	peer  address.Peer
	count int
	id    address.ID // which peer that is
	at    []address.Place
}

// trace answers such a request with a verdict and a line of JSON for each event. The last event
// is an end.
func (s *Stem) trace(ctx context.Context, stream pipe.Stream, req wire.Request) {
	events := eventWriter{stream, time.Now()}
	r, err := s.parseTrace(ctx, req)
	if err != nil {
		refuse(gate.Caller{}, stream, err)
		return
	}
	defer stream.Close()
	if events.write(wire.OK()) != nil {
		return
	}
	s.tellKnown(r, events.tell)
	if r.verb == wire.Find {
		err = s.Tracer.Find(ctx, r.id, events.tell)
	} else {
		err = s.Tracer.Ping(ctx, r.id, r.count, events.tell, r.at...)
	}
	switch {
	case ctx.Err() != nil:
		events.tell(trace.Event{Kind: trace.End, Reason: context.Cause(ctx).Error()})
	case err != nil:
		events.tell(trace.Event{Kind: trace.End, Reason: err.Error()})
	case r.verb == wire.Find:
		events.tell(trace.Event{Kind: trace.End})
	}
	stream.CloseWrite()
	stream.CloseRead()
}

// parseTrace reads a request and locates the peer.
func (s *Stem) parseTrace(ctx context.Context, req wire.Request) (r traceRequest, err error) {
	bad := func(reason string) (traceRequest, error) {
		return r, wire.Refusal{Code: wire.Bad, Reason: reason}
	}
	r = traceRequest{verb: req.Verb, count: 1}
	if s.Tracer == nil {
		return r, errors.New("this network cannot be traced")
	}
	if r.peer, err = address.ParsePeer(req.Object); err != nil {
		return bad(err.Error())
	}
	if text := req.Pairs.Get("count"); text != "" {
		if r.count, err = strconv.Atoi(text); err != nil || r.count < 1 || r.count > maxPings {
			return bad(fmt.Sprintf("count=%s is not a number from 1 to %d", text, maxPings))
		}
	}
	if r.peer.IsLocal() {
		return bad("that is this machine itself")
	}
	if r.id, r.at, err = s.locate(ctx, s.Policy.Rules(), r.peer); err != nil {
		return r, err
	}
	if r.id == s.Network.ID() {
		return bad("that is this machine itself")
	}
	return r, nil
}

// tellKnown tells what is known of the peer without the network.
func (s *Stem) tellKnown(r traceRequest, tell func(trace.Event) error) {
	if place, ok := r.peer.Place(); ok {
		tell(trace.Event{Kind: trace.Found, Source: trace.Named, Peer: r.id.String(),
			Addresses: []string{place.String()}})
	}
	e := trace.Event{Kind: trace.Found, Source: trace.Peers}
	for _, place := range s.Policy.Rules().At[r.id] {
		e.Addresses = append(e.Addresses, place.String())
	}
	switch {
	case len(e.Addresses) > 0:
		tell(e)
	case r.verb == wire.Find:
		tell(trace.Event{Kind: trace.Nothing, Source: trace.Peers,
			Reason: "no address of it is written down"})
	}
}

// eventWriter writes events to the user.
type eventWriter struct {
	stream pipe.Stream
	began  time.Time
}

func (w eventWriter) tell(e trace.Event) error {
	e.MS = trace.MS(time.Since(w.began))
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return w.write(string(line) + "\n")
}

func (w eventWriter) write(text string) error {
	w.stream.SetDeadline(time.Now().Add(lineTimeout))
	_, err := io.WriteString(w.stream, text)
	return err
}
