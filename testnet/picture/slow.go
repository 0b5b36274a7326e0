package picture

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// slow is a slow call and its phases.
type slow struct {
	What, From, To, FromKind, ToKind string
	When, Took, Route, Search        string
	Phases                           []phase
}

type phase struct {
	Name        string // of a CSS class
	Left, Width float64
	Title       string
}

// slowest returns the answered calls that took longest to their first byte. A failed call
// would only show its timeout.
func slowest(o *scenario.Outcome, most int) (rows []slow) {
	records := slices.DeleteFunc(slices.Clone(o.Records), func(r scenario.Record) bool {
		return !r.Answered()
	})
	slices.SortStableFunc(records, func(a, b scenario.Record) int {
		return cmp.Compare(b.FirstByte, a.FirstByte)
	})
	records = records[:min(most, len(records))]
	longest := time.Duration(1)
	for _, r := range records {
		longest = max(longest, r.Took)
	}
	for _, r := range records {
		rows = append(rows, newSlow(o, r, longest))
	}
	return rows
}

func newSlow(o *scenario.Outcome, r scenario.Record, longest time.Duration) slow {
	s := slow{
		What: r.Cell, From: r.From, To: r.To,
		FromKind: kinds[o.Where[r.From].Place.String()],
		ToKind:   kinds[o.Where[r.To].Place.String()],
		When:     clock(r.At.Round(100 * time.Millisecond)),
		Took:     duration(r.Took),
		Route:    cmp.Or(r.Route, "local"),
	}
	if l := r.Lookup; l != nil && l.Asked > 0 {
		s.Search = fmt.Sprintf("%s in %s by asking %d",
			map[bool]string{true: "found", false: "not found"}[l.Found], duration(l.Took), l.Asked)
	}
	last := time.Duration(0)
	for _, p := range []struct {
		name, title string
		end         time.Duration
	}{
		{"reach", "find and connect", r.Reached},
		{"grant", "wait for permission", r.Granted},
		{"wait", "wait for the first byte", r.FirstByte},
		{"rest", "the rest of the answer", r.Took},
	} {
		if p.end <= last {
			continue
		}
		s.Phases = append(s.Phases, phase{p.name, 100 * float64(last) / float64(longest),
			100 * float64(p.end-last) / float64(longest),
			fmt.Sprintf("%s: %s", p.title, duration(p.end-last))})
		last = p.end
	}
	return s
}
