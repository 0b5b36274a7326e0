package stem

import (
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// What the owner of the machine may want to know of a call is remembered here, once it
// has been answered: a line in the log, a record, and a knock.

// refused remembers a call that was refused.
func (s *Stem) refused(caller Caller, w wanted, stream pipe.Stream, refusal wire.Refusal,
	began time.Time) {
	s.Log.Info("call refused", "caller", caller, "cell", w.Cell, "at", w.Peer, "code",
		string(refusal.Code), "reason", refusal.Reason)
	if !caller.local() && refusal.Code == wire.Denied && !w.Cell.Reserved() {
		s.knocks.add(caller.peer, w.Cell, time.Now())
	}
	s.record(caller, w, Call{
		Began:   began,
		Verdict: string(refusal.Code),
		Path:    routeOf(stream, nil),
		End:     "refused",
	})
}

// ended remembers a call that was granted.
func (s *Stem) ended(caller Caller, w wanted, route string, report pipe.Report, began time.Time) {
	s.Log.Info("call ended", "caller", caller, "cell", w.Cell, "at", w.Peer, "sent", report.Forth,
		"received", report.Back, "err", report.Err)
	end := "orderly"
	if report.Err != nil {
		end = "cut: " + wire.Words(report.Err.Error()) // the other machine may have written it
	}
	s.record(caller, w, Call{
		Began:    began,
		Verdict:  "ok",
		Path:     route,
		Sent:     report.Forth,
		Received: report.Back,
		End:      end,
	})
}

// record completes the record of a call from or to another machine. Calls within this
// machine are not recorded, and neither is one to a name that is nobody's: no machine was
// called.
func (s *Stem) record(caller Caller, w wanted, c Call) {
	_, nobody := w.Peer.Petname()
	switch {
	case nobody:
		return
	case !caller.local():
		c.Direction, c.Peer = "in", caller.String()
	case !w.Peer.IsLocal():
		c.Direction, c.Peer = "out", w.Peer.String()
	default:
		return
	}
	c.Cell = w.Cell.String()
	c.Seconds = time.Since(c.Began).Seconds()
	s.Record(c)
}

// routeOf tells how a call travels, by whichever of its two streams knows; "" if neither does.
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
