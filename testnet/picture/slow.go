package picture

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// slow is a call that took long, with its phases one after the other.
type slow struct {
	What, From, To, FromPlace, ToPlace string
	When, Took, Route, Search, Err     string
	Phases                             []phase
}

type phase struct {
	Name        string // of a CSS class
	Left, Width float64
	Title       string
}

// slowest are the calls that took longest to their first byte, answered or not.
func slowest(o *scenario.Outcome, most int) (rows []slow) {
	records := slices.Clone(o.Records)
	slices.SortStableFunc(records, func(a, b scenario.Record) int { return cmp.Compare(until(b), until(a)) })
	records = records[:min(most, len(records))]
	if len(records) == 0 {
		return nil
	}
	longest := records[0].Took
	for _, r := range records {
		longest = max(longest, r.Took)
	}
	for _, r := range records {
		rows = append(rows, newSlow(o, r, longest))
	}
	return rows
}

// until is how long somebody waited for something.
func until(r scenario.Record) time.Duration {
	if r.FirstByte > 0 {
		return r.FirstByte
	}
	return r.Took
}

func newSlow(o *scenario.Outcome, r scenario.Record, longest time.Duration) slow {
	s := slow{
		What: r.Cell, From: r.From, To: r.To, FromPlace: placeOf(o, r.From), ToPlace: placeOf(o, r.To),
		When: clock(r.At.Round(100 * time.Millisecond)), Took: duration(r.Took), Route: cmp.Or(r.Route, "no way"), Err: r.Err,
	}
	if l := r.Lookup; l != nil {
		s.Search = fmt.Sprintf("search %s: %d asked, %d hops", duration(l.Took), l.Asked, l.Hops)
		if !l.Found {
			s.Search = fmt.Sprintf("search %s: %d asked, not found", duration(l.Took), l.Asked)
		}
	}
	last := time.Duration(0)
	for _, p := range []struct {
		name, title string
		end         time.Duration
	}{
		{"reach", "find and connect", r.Reached},
		{"grant", "ask to be let in", r.Granted},
		{"wait", "wait for the first byte", r.FirstByte},
		{"rest", "the rest of the answer", r.Took},
	} {
		if r.Err != "" && p.name == "rest" {
			p.name, p.title = "lost", "in vain"
		}
		if p.end <= last {
			continue
		}
		s.Phases = append(s.Phases, phase{p.name, 100 * float64(last) / float64(longest), 100 * float64(p.end-last) / float64(longest),
			fmt.Sprintf("%s: %s", p.title, duration(p.end-last))})
		last = p.end
	}
	return s
}
