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
	"github.com/cell-mesh/cell/stem/gate"
)

// lineTimeout limits how long it takes to read a request or write a verdict.
const lineTimeout = 10 * time.Second

// serve answers one request. It owns the stream and closes it.
func (s *Stem) serve(ctx context.Context, caller gate.Caller, stream pipe.Stream) {
	began := time.Now()
	stream.SetDeadline(began.Add(lineTimeout))
	stop := context.AfterFunc(ctx, func() { stream.Abort(errClosing) })
	req, early, err := wire.ReadRequest(stream)
	stop()
	if err != nil {
		if refusal := (wire.Refusal{}); !errors.As(err, &refusal) {
			err = wire.Refusal{Code: wire.Bad, Reason: err.Error()}
		}
		refuse(caller, stream, err)
		return
	}
	switch {
	case req.Verb == wire.Open:
		c, err := parseOpen(caller, began, req)
		if err != nil {
			refuse(caller, stream, err)
			return
		}
		s.open(ctx, stream, c, early)
	case !caller.Local():
		refuse(caller, stream, wire.Refusal{Code: wire.Bad})
	case req.Verb == wire.Ping, req.Verb == wire.Find:
		s.trace(ctx, stream, req)
	default:
		s.answer(ctx, stream, req)
	}
}

// open connects the stream to the cell and joins the two. early is what the caller sent behind
// its request. The call is recorded after it was answered.
func (s *Stem) open(ctx context.Context, stream pipe.Stream, c call, early []byte) {
	ahead := int64(len(early)) // early itself should not be held until the call ends
	far, err := s.reach(ctx, &c, early)
	if err != nil {
		s.recordRefused(c, stream, refuse(c.caller, stream, err))
		return
	}
	route := routeOf(stream, far)
	verdict := wire.OK()
	if c.caller.Local() {
		number := s.calls.begin()
		stream = &localStream{Wrapper: pipe.Wrapper{Stream: stream}, calls: s.calls, number: number}
		verdict = wire.OK([2]string{"call", strconv.FormatUint(number, 10)})
	}
	stream.SetDeadline(time.Now().Add(lineTimeout))
	if _, err := io.WriteString(stream, verdict); err != nil {
		err = fmt.Errorf("the caller left: %w", err)
		stream.Abort(err)
		far.Abort(err)
		s.recordEnded(c, route, pipe.Report{Err: err})
		return
	}
	stream.SetDeadline(c.deadline())
	report := pipe.Join(ctx, stream, far)
	report.Forth += ahead
	s.recordEnded(c, route, report)
}

// asRefusal returns the refusal in err. Any other error becomes one with the code Failed.
func asRefusal(err error) wire.Refusal {
	refusal := wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	errors.As(err, &refusal)
	return refusal
}

// refuse answers no. A peer gets the code alone; the refusal returned is for this machine's
// owner.
func refuse(caller gate.Caller, stream pipe.Stream, err error) wire.Refusal {
	refusal := asRefusal(err)
	told := refusal
	if !caller.Local() {
		told.Reason = ""
	}
	finish(stream, wire.No(told))
	return refusal
}

// answer serves the local door's verbs other than open, ping and find.
func (s *Stem) answer(ctx context.Context, stream pipe.Stream, req wire.Request) {
	more, err := s.do(ctx, req)
	verdict := wire.OK()
	if err != nil {
		verdict = wire.No(asRefusal(err))
	}
	finish(stream, verdict+string(more))
}

// finish writes the last words and closes the stream in order. A caller that left misses them.
func finish(stream pipe.Stream, words string) {
	stream.SetDeadline(time.Now().Add(lineTimeout))
	io.WriteString(stream, words)
	stream.CloseWrite()
	stream.CloseRead()
	stream.Close()
}

// do carries out a request and returns what follows the verdict.
func (s *Stem) do(ctx context.Context, req wire.Request) (more []byte, err error) {
	switch req.Verb {
	case wire.Germinate:
		cell, err := address.ParseName(req.Object)
		if err != nil {
			return nil, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
		}
		return nil, s.Cells.Germinate(ctx, cell, gate.Caller{})
	case wire.End:
		number, err := strconv.ParseUint(req.Object, 10, 64)
		if err != nil {
			return nil, wire.Refusal{Code: wire.Bad, Reason: "a call is a number"}
		}
		return nil, s.calls.outcome(number)
	case wire.CutCall:
		if !s.Cells.Cut(req.Object) {
			return nil, wire.Refusal{Code: wire.NotFound,
				Reason: "no call of that caller is under way"}
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
