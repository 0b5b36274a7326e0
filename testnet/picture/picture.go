// Package picture draws the outcome of a scenario as one HTML page, without scripts or links
// to other files.
//
//	outcome, err := scenario.Run(ctx, spec, scenario.Options{})
//	err = picture.Write(file, outcome, "cell testnet run nat-mix")
package picture

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet/scenario"
)

//go:embed page.html
var text string

var tmpl = template.Must(template.New("page").Funcs(template.FuncMap{
	"pct":   percent,
	"clock": clock,
}).Parse(text))

// page is the data of the template. Positions and sizes are percentages of the width or
// height.
type page struct {
	Outcome *scenario.Outcome
	Summary scenario.Summary
	Command string // repeats the run
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

// tile is a figure at the top of the page.
type tile struct{ Name, Value, Note string }

func tiles(s scenario.Summary) []tile {
	first := tile{"first byte, median", "–", "no call was answered"}
	if s.Answered > 0 {
		first.Value = duration(millis(s.FirstByte.P50))
		first.Note = fmt.Sprintf("90 %% within %s, 99 %% within %s",
			duration(millis(s.FirstByte.P90)), duration(millis(s.FirstByte.P99)))
	}
	found := tile{"found in the mesh", share(s.Found, s.Lookups), "no search was needed"}
	if s.Lookups > 0 {
		found.Note = fmt.Sprintf("%d of %d searches; 90 %% asked at most %v members", s.Found,
			s.Lookups, s.Messages.P90)
	}
	return []tile{
		{"nodes", fmt.Sprint(s.Nodes), fmt.Sprintf("joined %s in %s", s.Join,
			duration(seconds(s.Joining)))},
		{"calls answered", share(s.Answered, s.Asked),
			fmt.Sprintf("%d of %d", s.Answered, s.Asked)},
		{"direct", share(s.Direct, s.Answered),
			fmt.Sprintf("%d direct, %d relayed", s.Direct, s.Relayed)},
		first,
		found,
		{"sent per node", fmt.Sprintf("%s/s", size(s.Rate)),
			fmt.Sprintf("memory of the run: %s", size(s.Memory*1e6))},
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// outcomes counts calls by their outcome.
type outcomes struct{ direct, relayed, failed int }

func (o *outcomes) add(r scenario.Record) {
	switch {
	case !r.Answered():
		o.failed++
	case strings.HasPrefix(r.Route, "relayed"):
		o.relayed++
	default:
		o.direct++
	}
}

func (o *outcomes) all() int { return o.direct + o.relayed + o.failed }

func (o *outcomes) String() string {
	return fmt.Sprintf("%d direct, %d relayed, %d failed", o.direct, o.relayed, o.failed)
}

// share prints a part of a whole as a percentage.
func share(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == whole || part == 0:
		return fmt.Sprintf("%.0f %%", p)
	case p >= 99 || p < 1: // must not look like 0 or 100 %
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// percent prints a position for CSS and SVG.
func percent(x float64) string { return fmt.Sprintf("%.2f", x) }

// duration prints about three digits.
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
