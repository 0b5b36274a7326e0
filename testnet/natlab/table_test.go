//go:build linux

package natlab

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// table lays the outcomes out, in milliseconds and in round trips.
func table(outcomes []outcome) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "from\tjust started\tfirst byte\tdirect after\tnext "+
		"call\troute\twanted\ttries\tover\tat first\tbefore")
	for _, o := range outcomes {
		if o.name == "" {
			continue // not run
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\t%v\t%d\t%s\t%s\t%s\n",
			o.name, took(o.early), took(o.first), took(o.direct), took(o.next), o.route,
			o.want, o.tries, o.ended, o.began, o.before)
	}
	w.Flush()
	return text.String()
}

func took(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%d ms (%.1f)", d.Milliseconds(), float64(d)/float64(rtt))
}

// brief is "143 quic" for a call that was direct from the first byte, "403 → 630 quic"
// for one that became so, "397 relay" for one that did not, and "no" for one that failed.
// An exclamation mark stands behind what was not wanted.
func (o outcome) brief() (text string) {
	switch {
	case o.name == "":
		return "" // not run
	case o.route == None:
		text = "no"
	case o.route == Relayed:
		text = fmt.Sprintf("%d relay", o.first.Milliseconds())
	case isDirect(o.began):
		text = fmt.Sprintf("%d %s", o.first.Milliseconds(), directOf(o.ended))
	default:
		text = fmt.Sprintf("%d → %d %s", o.first.Milliseconds(), o.direct.Milliseconds(),
			directOf(o.ended))
	}
	if o.route != o.want {
		text += " !"
	}
	return text
}
