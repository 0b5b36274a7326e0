package scenario

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The table of docs/scale.md: go test ./testnet/scenario -run TestCurve -v -timeout 2h
// -args -curve preset:10,natural:10
var curve = flag.String("curve", "preset:10,natural:10",
	"ways of joining and numbers of nodes to print a row of figures for")

// What a search costs, and what a node sends that has nothing to do, by the number of nodes.
func TestCurve(t *testing.T) {
	for _, point := range strings.Split(*curve, ",") {
		way, text, _ := strings.Cut(point, ":")
		nodes, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("-curve %s: %v", point, err)
		}
		began := time.Now()
		o := measure(t, way, nodes)
		s := o.Summary()
		// All that this says is measured in virtual time, and the memory in this process.
		fmt.Fprintf(os.Stderr, "| %d | %s | %.2f %% | %g, %g | %g, %g | %.0f, %.0f, %.0f | %.0f "+
			"| %.2f | %v |\n", nodes, way, 100*float64(s.Found)/float64(s.Lookups),
			s.Hops.P50, s.Hops.P90, s.Messages.P50, s.Messages.P90,
			s.FirstByte.P50, s.FirstByte.P90, s.FirstByte.P99, s.Idle, s.Memory/float64(nodes),
			time.Since(began).Round(time.Second))
		if s.Answered < s.Asked*99/100 || s.Lookups > 0 && s.Found < s.Lookups*99/100 {
			t.Errorf("%d nodes joined by %s: %+v", nodes, way, s)
		}
	}
}

// measure has up to 100 nodes make 200 calls, in virtual time, after five minutes in
// which nobody calls.
func measure(t *testing.T, way string, nodes int) (o *Outcome) {
	t.Helper()
	callers := min(100, nodes/2)
	spec := Spec{
		Duration: Duration{time.Minute},
		Idle:     Duration{5 * time.Minute},
		Link:     Link{Delay: Span{5 * time.Millisecond, 40 * time.Millisecond}},
		Groups: []Group{{Name: "callee", Count: nodes - callers},
			{Name: "caller", Count: callers}},
		Loads: []Load{{From: []string{"caller"}, To: []string{"callee"},
			Every: Duration{time.Second}, Calls: 200 / callers}},
	}
	synctest.Test(t, func(t *testing.T) {
		var err error
		if o, err = Run(t.Context(), spec, Options{Join: way}); err != nil {
			t.Fatal(err)
		}
	})
	return o
}
