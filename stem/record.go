package stem

import (
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// Record describes one call from or to another machine, granted or refused. It is a line of
// log/calls.jsonl.
type Record struct {
	Began time.Time `json:"began"`
	// Direction is "in" for a call that another machine made, "out" for one of this machine.
	Direction string `json:"direction"`
	// Peer is the ID of the other machine, or the place where it was looked for.
	Peer string `json:"peer"`
	Cell string `json:"cell"`
	// Verdict is "ok" or the code of the refusal.
	Verdict string `json:"verdict"`
	// Path is how the call travelled, as in "direct quic" or "relayed tcp". It is empty if the
	// call did not travel.
	Path string `json:"path,omitempty"`
	// Sent and Received count bytes from the caller's point of view.
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	// Seconds is the time from the request to the end.
	Seconds float64 `json:"seconds"`
	// End is "orderly", "refused", or why the call was cut.
	End string `json:"end"`
	// Unwritten is the number of calls before this one that were too many to be written.
	Unwritten int `json:"unwritten,omitempty"`
}

// recordRefused logs and records a call that was refused. It is called after the answer, so
// that a stranger cannot tell by the time what was recorded.
func (s *Stem) recordRefused(c call, stream pipe.Stream, refusal wire.Refusal) {
	s.Log.Info("call refused", "caller", c.caller, "cell", c.Cell, "at", c.Peer, "code",
		string(refusal.Code), "reason", refusal.Reason)
	if !c.caller.Local() && refusal.Code == wire.Denied && !c.Cell.Reserved() {
		s.denials.add(c.caller.Peer, c.Cell, time.Now())
	}
	s.record(c, Record{Verdict: string(refusal.Code), Path: routeOf(stream), End: "refused"})
}

// recordEnded logs and records a call that was granted.
func (s *Stem) recordEnded(c call, route string, report pipe.Report) {
	s.Log.Info("call ended", "caller", c.caller, "cell", c.Cell, "at", c.Peer, "sent", report.Forth,
		"received", report.Back, "err", report.Err)
	end := "orderly"
	if report.Err != nil {
		end = "cut: " + wire.Words(report.Err.Error()) // the other machine may have written it
	}
	s.record(c, Record{Verdict: "ok", Path: route, Sent: report.Forth, Received: report.Back,
		End: end})
}

// record completes the record of a call. Calls within this machine are not recorded, nor are
// calls to a petname that no peer has.
func (s *Stem) record(c call, r Record) {
	_, unknown := c.Peer.Petname() // reach replaces a known petname by the ID
	switch {
	case unknown:
		return
	case !c.caller.Local():
		r.Direction, r.Peer = "in", c.caller.String()
	case !c.Peer.IsLocal():
		r.Direction, r.Peer = "out", c.Peer.String()
	default:
		return
	}
	r.Began, r.Cell = c.began, c.Cell.String()
	r.Seconds = time.Since(c.began).Seconds()
	s.Record(r)
}

// routeOf returns how a call travels, from the first stream that knows, or "".
func routeOf(streams ...pipe.Stream) string {
	for _, stream := range streams {
		for stream != nil {
			if routed, ok := stream.(interface{ Route() string }); ok {
				return routed.Route()
			}
			wrapped, ok := stream.(interface{ Unwrap() pipe.Stream })
			if !ok {
				break
			}
			stream = wrapped.Unwrap()
		}
	}
	return ""
}
