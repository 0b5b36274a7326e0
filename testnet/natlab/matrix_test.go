//go:build linux

package natlab

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Every kind of network reaches every other one, in the way that it should.
func TestRoutes(t *testing.T) {
	needLab(t)
	var encounters []encounter
	for _, r := range routes {
		encounters = append(encounters, encounter{
			name:  fmt.Sprintf("%v to %v", r.dialer, r.target),
			sites: []Site{r.dialer.Site("dialer"), r.target.Site("target")},
			want:  r.want,
		})
	}
	for _, n := range neighbours {
		encounters = append(encounters, encounter{
			name:  fmt.Sprintf("neighbours at %v, mDNS %v", n.kind, n.mdns),
			sites: []Site{n.kind.Site("dialer", "target")},
			mdns:  n.mdns,
			want:  n.want,
		})
	}
	outcomes := make([]outcome, len(encounters))
	t.Run("from", func(t *testing.T) { // and return when all have ended
		for i, e := range encounters {
			t.Run(e.name, func(t *testing.T) {
				t.Parallel()
				outcomes[i].encounter = e
				outcomes[i].meet(t)
			})
		}
	})
	t.Log("\n" + table(outcomes))
}

// table lays the outcomes out, in milliseconds and in round trips.
func table(outcomes []outcome) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "from\tfindable\tfirst byte\tdirect after\tnext call\troute\twanted\tover\tat first\tbefore")
	for _, o := range outcomes {
		if o.name == "" {
			continue // not run
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%v\t%v\t%s\t%s\t%s\n",
			o.name, took(o.findable), took(o.first), took(o.direct), took(o.next), o.route, o.want, o.ended, o.began, o.before)
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
