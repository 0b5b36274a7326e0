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
)

// Tracer shows the way to a peer to the user of this machine. tell is called from one
// goroutine, and when it fails, the user has gone. Errors go behind the peer's name.
type Tracer interface {
	// Ping reaches a peer as a call would, and asks it count times for an answer.
	Ping(ctx context.Context, to address.ID, count int, tell func(trace.Event) error,
		at ...address.Place) error

	// Find asks everyone who may know where the peer is.
	Find(ctx context.Context, to address.ID, tell func(trace.Event) error) error
}

// maxPings bounds how long one request to ping keeps the stem busy.
const maxPings = 1000

// traced is what a request to ping or to find asks for.
type traced struct {
	verb  wire.Verb
	peer  address.Peer
	count int

	// which peer that is, and where it may be
	id address.ID
	at []address.Place
}

// trace answers such a request: a verdict, and then a line of JSON for each event, the
// last of which is an end.
func (s *Stem) trace(ctx context.Context, stream pipe.Stream, req wire.Request) {
	t := telling{stream, time.Now()}
	w, err := s.parseTraced(ctx, req)
	if err != nil {
		refuse(Caller{}, stream, err)
		return
	}
	defer stream.Close()
	if t.write(wire.OK()) != nil {
		return
	}
	s.tellKnown(w, t.tell)
	if w.verb == wire.Find {
		err = s.Tracer.Find(ctx, w.id, t.tell)
	} else {
		err = s.Tracer.Ping(ctx, w.id, w.count, t.tell, w.at...)
	}
	switch {
	case ctx.Err() != nil:
		t.tell(trace.Event{Kind: trace.End, Reason: context.Cause(ctx).Error()})
	case err != nil:
		t.tell(trace.Event{Kind: trace.End, Reason: err.Error()})
	case w.verb == wire.Find:
		t.tell(trace.Event{Kind: trace.End})
	}
	stream.CloseWrite()
	stream.CloseRead()
}

// parseTraced reads a request, and finds out which peer is meant.
func (s *Stem) parseTraced(ctx context.Context, req wire.Request) (w traced, err error) {
	bad := func(reason string) (traced, error) {
		return w, wire.Refusal{Code: wire.Bad, Reason: reason}
	}
	w = traced{verb: req.Verb, count: 1}
	if s.Tracer == nil {
		return w, errors.New("this network does not show its ways")
	}
	if w.peer, err = address.ParsePeer(req.Object); err != nil {
		return bad(err.Error())
	}
	if text := req.Pairs.Get("count"); text != "" {
		if w.count, err = strconv.Atoi(text); err != nil || w.count < 1 || w.count > maxPings {
			return bad(fmt.Sprintf("count=%s is no number from 1 to %d", text, maxPings))
		}
	}
	if w.peer.IsLocal() {
		return bad("it is this machine itself")
	}
	if w.id, w.at, err = s.locate(ctx, s.Policy.Rules(),
		wanted{Address: address.Address{Peer: w.peer}}); err != nil {
		return w, err
	}
	if w.id == s.Network.ID() {
		return bad("it is this machine itself")
	}
	return w, nil
}

// tellKnown tells what is known of the peer without the network.
func (s *Stem) tellKnown(w traced, tell func(trace.Event) error) {
	if place, ok := w.peer.Place(); ok {
		tell(trace.Event{Kind: trace.Found, Source: trace.Named, Peer: w.id.String(),
			Addresses: []string{place.String()}})
	}
	e := trace.Event{Kind: trace.Found, Source: trace.Peers}
	for _, place := range s.Policy.Rules().At[w.id] {
		e.Addresses = append(e.Addresses, place.String())
	}
	switch {
	case len(e.Addresses) > 0:
		tell(e)
	case w.verb == wire.Find:
		tell(trace.Event{Kind: trace.Nothing, Source: trace.Peers,
			Reason: "no address of it is written down"})
	}
}

// telling writes events to a user.
type telling struct {
	stream pipe.Stream
	began  time.Time
}

func (t telling) tell(e trace.Event) error {
	e.MS = trace.MS(time.Since(t.began))
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return t.write(string(line) + "\n")
}

func (t telling) write(text string) error {
	t.stream.SetDeadline(time.Now().Add(lineTimeout))
	_, err := io.WriteString(t.stream, text)
	return err
}
