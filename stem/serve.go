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
	"github.com/cell-mesh/cell/internal/wire"
)

// lineTimeout bounds the reading of a request and the writing of a verdict.
const lineTimeout = 10 * time.Second

// serve answers one request. It owns the stream and has closed it when it returns.
func (s *Stem) serve(ctx context.Context, caller Caller, stream pipe.Stream) {
	began := time.Now()
	stream.SetDeadline(began.Add(lineTimeout))
	stop := context.AfterFunc(ctx, func() { stream.Abort(errClosing) })
	req, early, err := wire.ReadRequest(stream)
	stop()
	if err != nil {
		refuse(caller, stream, badRequest(err))
		return
	}
	switch {
	case req.Verb == wire.Open:
		w, err := parseOpen(caller, req)
		if err != nil {
			refuse(caller, stream, err)
			return
		}
		s.open(ctx, caller, stream, w, early, began)
	case !caller.local():
		refuse(caller, stream, wire.Refusal{Code: wire.Bad})
	case req.Verb == wire.Ping, req.Verb == wire.Find:
		s.trace(ctx, stream, req)
	default:
		s.answer(ctx, stream, req)
	}
}

// badRequest keeps a refusal as it is and makes one of any other error in reading a request.
func badRequest(err error) error {
	var refusal wire.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return wire.Refusal{Code: wire.Bad, Reason: err.Error()}
}

// open connects the stream to the cell that is wanted, and carries bytes until both ends
// have ended. early is what the caller sent behind its request. Whatever is remembered of
// the call is remembered after the answer.
func (s *Stem) open(ctx context.Context, caller Caller, stream pipe.Stream, w wanted, early []byte,
	began time.Time) {
	ahead := int64(len(early)) // early itself is not held until the call ends
	far, err := s.reach(ctx, caller, &w, early)
	if err != nil {
		s.refused(caller, w, stream, refuse(caller, stream, err), began)
		return
	}
	route := routeOf(stream, far)
	verdict := wire.OK()
	if caller.local() {
		call := s.calls.begin()
		stream = &toldStream{Stream: stream, calls: s.calls, call: call}
		verdict = wire.OK([2]string{"call", strconv.FormatUint(call, 10)})
	}
	stream.SetDeadline(time.Now().Add(lineTimeout))
	if _, err := io.WriteString(stream, verdict); err != nil {
		err = fmt.Errorf("the caller left: %w", err)
		stream.Abort(err)
		far.Abort(err)
		s.ended(caller, w, route, pipe.Report{Err: err}, began)
		return
	}
	stream.SetDeadline(deadlineOf(w))
	report := pipe.Join(ctx, stream, far)
	report.Forth += ahead
	s.ended(caller, w, route, report, began)
}

// deadlineOf bounds a call of the stem's own cells, which have one thing to say; other
// calls last as long as they like.
func deadlineOf(w wanted) time.Time {
	if w.Cell.Reserved() {
		return time.Now().Add(lineTimeout)
	}
	return time.Time{}
}

// refuse answers no, and returns the refusal as it is for the owner of this machine. A
// peer is told the code alone.
func refuse(caller Caller, stream pipe.Stream, err error) wire.Refusal {
	refusal := wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	errors.As(err, &refusal)
	told := refusal
	if !caller.local() {
		told.Reason = ""
	}
	finish(stream, wire.No(told))
	return refusal
}

// answer serves the verbs of the local door that are no calls.
func (s *Stem) answer(ctx context.Context, stream pipe.Stream, req wire.Request) {
	more, err := s.do(ctx, req)
	verdict := wire.OK()
	if err != nil {
		refusal := wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		errors.As(err, &refusal)
		verdict = wire.No(refusal)
	}
	finish(stream, verdict+string(more))
}

// finish writes the last words of a stream and ends it in order. If the caller has gone,
// nobody is left to tell.
func finish(stream pipe.Stream, words string) {
	stream.SetDeadline(time.Now().Add(lineTimeout))
	io.WriteString(stream, words)
	stream.CloseWrite()
	stream.CloseRead()
	stream.Close()
}

// do returns what follows the verdict.
func (s *Stem) do(ctx context.Context, req wire.Request) (more []byte, err error) {
	switch req.Verb {
	case wire.Germinate:
		cell, err := address.ParseName(req.Object)
		if err != nil {
			return nil, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
		}
		return nil, s.Cells.Germinate(ctx, cell, Caller{})
	case wire.End:
		call, err := strconv.ParseUint(req.Object, 10, 64)
		if err != nil {
			return nil, wire.Refusal{Code: wire.Bad, Reason: "a call is a number"}
		}
		return nil, s.calls.end(call)
	case wire.CutCall:
		if !s.Cells.Cut(req.Object) {
			return nil, wire.Refusal{Code: wire.NotFound,
				Reason: "no such caller has a call under way"}
		}
		return nil, nil
	case wire.Reread:
		s.Policy.Reread()
		if s.hasLinks() {
			s.links.Reread(ctx)
		}
		return nil, nil
	case wire.Link:
		return s.link(ctx, req)
	case wire.Unlink:
		return nil, s.unlink(req)
	case wire.Status:
		return json.Marshal(s.status())
	}
	return nil, wire.Refusal{Code: wire.Bad, Reason: fmt.Sprintf("unknown request %q", req.Verb)}
}
