package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Row is a line of the table.
type Row struct {
	What string `json:"what"`
	// Got and Floor are medians in the unit. Floor is 0 if there is none.
	Got   float64 `json:"got"`
	Floor float64 `json:"floor,omitempty"`
	Unit  string  `json:"unit"`
	// Target describes the target, if there is one, and Reached says whether it was met.
	Target  string `json:"target,omitempty"`
	Reached bool   `json:"reached"`

	Note string `json:"note,omitempty"`
}

// Ratio is Got divided by Floor, or 0 without a floor.
func (r Row) Ratio() float64 {
	if r.Floor == 0 {
		return 0
	}
	return r.Got / r.Floor
}

func (l *lab) add(r Row) { l.rows = append(l.rows, r) }

// addTime adds a row of durations. The target is at most most times the floor, and at most
// plus longer than it; a target of 0 is none.
func (l *lab) addTime(what string, floor, got []time.Duration, most float64, plus time.Duration) {
	f, g := median(floor), median(got)
	r := Row{What: what, Got: micros(g), Floor: micros(f), Unit: "µs",
		Note: fmt.Sprintf("%+.0f µs; p99 %.0f, floor %.0f", micros(g-f),
			micros(percentile(got, 99)), micros(percentile(floor, 99)))}
	r.Reached = true
	if most > 0 {
		r.Target = fmt.Sprintf("≤ %.2f ×", most)
		r.Reached = r.Ratio() <= most
	}
	if plus > 0 {
		if r.Target != "" {
			r.Target += " and "
		}
		r.Target += fmt.Sprintf("≤ + %v", plus)
		r.Reached = r.Reached && g-f <= plus
	}
	l.add(r)
}

// addRate adds a row of throughput. The target is at least least times the floor.
func (l *lab) addRate(what string, bytes int64, floor, got []time.Duration, least float64) {
	r := Row{What: what, Got: rate(bytes, median(got)), Floor: rate(bytes, median(floor)),
		Unit: "MiB/s"}
	r.Target = fmt.Sprintf("≥ %.2f ×", least)
	r.Reached = r.Ratio() >= least
	l.add(r)
}

// Print prints the rows as a table.
func Print(out io.Writer, rows []Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tcell\tfloor\tunit\tratio\ttarget\treached\t")
	for _, r := range rows {
		floor, ratio, reached := "–", "–", "yes"
		if r.Floor != 0 {
			floor, ratio = number(r.Floor), fmt.Sprintf("%.2f", r.Ratio())
		}
		if r.Target == "" {
			r.Target, reached = "–", "–"
		} else if !r.Reached {
			reached = "no"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.What, number(r.Got), floor, r.Unit,
			ratio, r.Target, reached, r.Note)
	}
	return w.Flush()
}

// number prints three significant digits.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}
