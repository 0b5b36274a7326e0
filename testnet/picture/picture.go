// Package picture draws what came of a scenario, as one page of HTML that needs nothing
// else: no network, no script.
//
//	err := picture.Write(file, outcome, "cell testnet run nat-mix")
package picture

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

//go:embed page.html
var text string

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{
	"pct":   percent,
	"clock": clock,
}).Parse(text))

// page is all that the template shows. Positions and sizes are percents of the whole
// width or height.
type page struct {
	Outcome *scenario.Outcome
	Summary scenario.Summary
	// Command is what makes such a run again.
	Command string
	Tiles   []tile
	Time    timeline
	Pairs   pairs
	Ways    matrix
	Slow    []slow
}

// Write writes the page. command is the command line that repeats the run.
func Write(w io.Writer, o *scenario.Outcome, command string) error {
	s := o.Summary()
	return tmpl.Execute(w, page{
		Outcome: o,
		Summary: s,
		Command: command,
		Tiles:   tiles(s),
		Time:    newTimeline(o),
		Pairs:   newPairs(o),
		Ways:    newMatrix(o),
		Slow:    slowest(o, 10),
	})
}

// tile is a figure that is seen first.
type tile struct{ Name, Value, Note string }

func tiles(s scenario.Summary) []tile {
	first := tile{"first byte, median", "–", "nothing was answered"}
	if s.Answered > 0 {
		first.Value = duration(millis(s.FirstByte.P50))
		first.Note = fmt.Sprintf("90 %% within %s, 99 %% within %s",
			duration(millis(s.FirstByte.P90)), duration(millis(s.FirstByte.P99)))
	}
	found := tile{"found in the mesh", share(s.Found, s.Lookups), "no search was needed"}
	if s.Lookups > 0 {
		found.Note = fmt.Sprintf("%d of %d searches; 90 %% asked at most %v others", s.Found,
			s.Lookups, s.Messages.P90)
	}
	return []tile{
		{"nodes", fmt.Sprint(s.Nodes), fmt.Sprintf("joined %s in %s", s.Join,
			duration(seconds(s.Joining)))},
		{"calls answered", share(s.Answered, s.Asked),
			fmt.Sprintf("%d of %d", s.Answered, s.Asked)},
		{"of these direct", share(s.Direct, s.Answered),
			fmt.Sprintf("%d direct, %d relayed", s.Direct, s.Relayed)},
		first,
		found,
		{"sent by a node", fmt.Sprintf("%s/s", size(s.Rate)),
			fmt.Sprintf("memory of the run: %s", size(s.Memory*1e6))},
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// share is a part of a whole in words.
func share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == whole || part == 0:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 99 || p < 1: // not so near to all or nothing that it reads as if it were
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// percent prints a position for CSS and SVG.
func percent(x float64) string { return fmt.Sprintf("%.2f", x) }

// duration prints with the digits that matter.
func duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 ms"
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func size(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if bytes < 1000 {
			return fmt.Sprintf("%.3g %s", bytes, unit)
		}
		bytes /= 1000
	}
	return fmt.Sprintf("%.3g GB", bytes)
}
