package picture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// pairs has the times to the first byte for each pair of groups, on one logarithmic axis.
type pairs struct {
	Rows  []pairRow
	Ticks []tick
	// Left is the number of pairs that are not shown.
	Left int
}

type pairRow struct {
	From, To spot
	Calls    int
	P50, P90 string
	Median   float64
	Bars     []pairBar
}

// pairBar is the number of calls in a range of times: direct ones, and relayed ones on top.
type pairBar struct {
	Left, Width                            float64
	Direct, DirectTop, Relayed, RelayedTop float64
	Title                                  string
}

const (
	maxPairs = 24
	bins     = 48
	fastest  = time.Millisecond // the start of the axis
)

// kinds describes the kinds of places.
var kinds = map[string]string{
	"public": "public", "eim": "home NAT", "sym": "symmetric NAT", "cone": "open NAT",
	"cgn": "carrier NAT", "v6": "home NAT + open IPv6", "v6fw": "home NAT + IPv6",
	"tcp-only": "no UDP",
}

// spot is a group of nodes and where it lives.
type spot struct{ Group, Kind string }

func spotOf(o *scenario.Outcome, node string) spot {
	where := o.Where[node]
	kind := kinds[where.Place.String()]
	if kind == where.Group {
		kind = "" // not twice
	}
	return spot{where.Group, kind}
}

func compareSpots(a, b spot) int { return strings.Compare(a.Group, b.Group) }

func comparePairs(a, b pairRow) int {
	return cmp.Or(compareSpots(a.From, b.From), compareSpots(a.To, b.To))
}

func newPairs(o *scenario.Outcome) (p pairs) {
	calls := map[[2]spot][]scenario.Record{}
	first, last := time.Hour, fastest
	for _, r := range o.Records {
		if r.Answered() {
			key := [2]spot{spotOf(o, r.From), spotOf(o, r.To)}
			calls[key] = append(calls[key], r)
			first, last = min(first, r.FirstByte), max(last, r.FirstByte)
		}
	}
	// The axis starts and ends at a power of ten.
	decade := func(d time.Duration) float64 {
		return math.Log10(float64(max(d, fastest)) / float64(fastest))
	}
	from := math.Floor(decade(first))
	scale := max(1, math.Ceil(decade(last))-from)
	at := func(d time.Duration) float64 { return min(99.9, max(0, 100*(decade(d)-from)/scale)) }
	for d := 0.0; d <= scale; d++ {
		p.Ticks = append(p.Ticks, tick{100 * d / scale, power(int(from + d))})
	}
	for key, records := range calls {
		p.Rows = append(p.Rows, newPairRow(key, records, at))
	}
	slices.SortFunc(p.Rows, comparePairs)
	if len(p.Rows) > maxPairs {
		slices.SortStableFunc(p.Rows, func(a, b pairRow) int { return b.Calls - a.Calls })
		p.Left = len(p.Rows) - maxPairs
		p.Rows = p.Rows[:maxPairs]
		slices.SortFunc(p.Rows, comparePairs)
	}
	return p
}

// power prints a power of ten of milliseconds.
func power(of int) string {
	if of < 3 {
		return fmt.Sprintf("%.0f ms", math.Pow10(of))
	}
	return fmt.Sprintf("%.0f s", math.Pow10(of-3))
}

func newPairRow(key [2]spot, records []scenario.Record, at func(time.Duration) float64) pairRow {
	slices.SortFunc(records, func(a, b scenario.Record) int {
		return cmp.Compare(a.FirstByte, b.FirstByte)
	})
	nth := func(p float64) time.Duration {
		return records[int(math.Ceil(p*float64(len(records))))-1].FirstByte
	}
	row := pairRow{From: key[0], To: key[1], Calls: len(records), P50: duration(nth(0.5)),
		P90: duration(nth(0.9)), Median: at(nth(0.5))}
	var counts [bins]outcomes
	most := 1
	for _, r := range records {
		c := &counts[int(at(r.FirstByte)/100*bins)]
		c.add(r)
		most = max(most, c.all())
	}
	for i, c := range counts {
		if c.all() == 0 {
			continue
		}
		height := func(n int) float64 { return 100 * float64(n) / float64(most) }
		b := pairBar{Left: 100 * float64(i) / bins, Width: 100.0 / bins,
			Direct: height(c.direct), Relayed: height(c.relayed)}
		b.DirectTop = 100 - b.Direct
		b.RelayedTop = b.DirectTop - b.Relayed
		b.Title = fmt.Sprintf("%d direct, %d relayed", c.direct, c.relayed)
		row.Bars = append(row.Bars, b)
	}
	return row
}
