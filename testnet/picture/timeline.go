package picture

import (
	"fmt"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

// timeline is success over time, in slices of equal length.
type timeline struct {
	Slices []slice
	// Line is the share of calls that were answered, as an SVG path in a box of 100 by 100,
	// and Area the area below it. Slices without calls leave a gap.
	Line, Area string
	// Every is the length of a slice, and Most the largest number of calls in one.
	Every time.Duration
	Most  int
	Marks []mark
	Ticks []tick
}

// slice has the outcomes of the calls that began in it.
type slice struct {
	Left, Width                      float64
	Direct, Relayed, Failed          float64 // heights, one above the other
	DirectTop, RelayedTop, FailedTop float64
	Title                            string
}

// mark is an event. Width is 0 if it is a moment.
type mark struct {
	Number      int
	Left, Width float64
	When, Label string
}

// tick is a mark of an axis.
type tick struct {
	At    float64
	Label string
}

// parts is the approximate number of slices.
const parts = 60

func newTimeline(o *scenario.Outcome) timeline {
	t := timeline{Every: niceSlice(o.Length / parts)}
	n := int((o.Length + t.Every - 1) / t.Every)
	counts := make([]outcomes, n)
	for _, r := range o.Records {
		c := &counts[min(n-1, int(r.At/t.Every))]
		c.add(r)
		t.Most = max(t.Most, c.all())
	}
	width := 100 * float64(t.Every) / float64(o.Length)
	var line, area strings.Builder
	drawing, x := false, 0.0
	for i, c := range counts {
		left := width * float64(i)
		if c.all() == 0 {
			if drawing {
				fmt.Fprintf(&area, "V100Z ")
			}
			drawing = false
			continue
		}
		high := func(n int) float64 { return 100 * float64(n) / float64(t.Most) }
		s := slice{Left: left, Width: min(width, 100-left), Direct: high(c.direct),
			Relayed: high(c.relayed), Failed: high(c.failed)}
		s.DirectTop = 100 - s.Direct
		s.RelayedTop = s.DirectTop - s.Relayed
		s.FailedTop = s.RelayedTop - s.Failed
		s.Title = fmt.Sprintf("from %s: %v", clock(t.Every*time.Duration(i)), &c)
		t.Slices = append(t.Slices, s)
		y := 100 * float64(c.failed) / float64(c.all())
		x = left + s.Width
		if drawing {
			fmt.Fprintf(&line, "V%.2fH%.2f", y, x)
			fmt.Fprintf(&area, "V%.2fH%.2f", y, x)
		} else {
			fmt.Fprintf(&line, "M%.2f %.2fH%.2f", left, y, x)
			fmt.Fprintf(&area, "M%.2f 100V%.2fH%.2f", left, y, x)
		}
		drawing = true
	}
	if drawing {
		fmt.Fprintf(&area, "V100Z")
	}
	t.Line, t.Area = line.String(), area.String()
	t.Ticks = timeTicks(o.Length)
	t.Marks = newMarks(o)
	return t
}

// newMarks numbers the events.
func newMarks(o *scenario.Outcome) (marks []mark) {
	at := func(d time.Duration) float64 { return min(100, 100*float64(d)/float64(o.Length)) }
	for i, m := range o.Marks {
		k := mark{Number: i + 1, Left: at(m.At), When: "at " + clock(m.At), Label: m.Label}
		if m.Until > m.At {
			k.Width, k.When = at(m.Until)-k.Left, clock(m.At)+" to "+clock(m.Until)
		}
		marks = append(marks, k)
	}
	return marks
}

var steps = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second,
	30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour,
}

// niceSlice rounds up to a length that people count in.
func niceSlice(d time.Duration) time.Duration {
	for _, step := range steps {
		if step >= d {
			return step
		}
	}
	return d
}

// timeTicks returns about five ticks, at times that people count in.
func timeTicks(length time.Duration) (ticks []tick) {
	step := niceSlice(length / 5)
	for at := time.Duration(0); at <= length; at += step {
		ticks = append(ticks, tick{100 * float64(at) / float64(length), clock(at)})
	}
	return ticks
}

// clock prints a time since the beginning.
func clock(d time.Duration) string {
	switch {
	case d < time.Minute && d%time.Second != 0:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
}
