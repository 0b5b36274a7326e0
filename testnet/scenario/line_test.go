package scenario

import (
	"testing"
	"time"
)

// Lines are as they are described, for all nodes and for one group: what they delay, lose
// and hold back is felt by calls.
func TestLines(t *testing.T) {
	const (
		ms   = time.Millisecond
		near = `link = { delay = "10ms" }`
	)
	for _, c := range []struct {
		all, one string // the lines of all nodes, and of the callee if it has its own
		// when the answer begins, and when it ends, at the earliest; 0 if there is none
		first, whole time.Duration
	}{
		// The first byte takes two round trips, of four lines each. Of a narrow line, 50
		// kB need half a second.
		{near, ``, 80 * ms, 80 * ms},
		{`link = { delay = "30ms" }`, ``, 240 * ms, 240 * ms},
		{near, `link = { delay = "30ms" }`, 160 * ms, 160 * ms},
		{`link = { delay = "10ms", rate = "800kbit" }`, ``, 80 * ms, 500 * ms},
		{near, `link = { delay = "10ms", rate = "800kbit" }`, 80 * ms, 500 * ms},
		{`link = { delay = "10ms", loss = 1.0 }`, ``, 0, 0},
		{near, `link = { delay = "10ms", loss = 1.0 }`, 0, 0},
	} {
		o := simulate(t, `
			duration = "10s"
			timeout = "8s"
			`+c.all+`
			[[group]]
			name = "caller"
			count = 1
			[[group]]
			name = "callee"
			count = 1
			`+c.one+`
			[[load]]
			from = ["caller"]
			to = ["callee"]
			every = "1s"
			calls = 5
			bytes = 50_000`)
		if len(o.Records) != 5 {
			t.Fatalf("%s, %s: %d calls", c.all, c.one, len(o.Records))
		}
		for _, r := range o.Records {
			switch {
			case r.Answered() != (c.first > 0):
				t.Errorf("%s, %s: answered: %v, %s", c.all, c.one, r.Answered(), r.Err)
			case r.FirstByte < c.first || r.FirstByte > 2*c.whole:
				t.Errorf("%s, %s: the first byte after %v, want %v", c.all, c.one, r.FirstByte,
					c.first)
			case r.Answered() && (r.Took < c.whole || r.Took > 4*c.whole):
				t.Errorf("%s, %s: the last byte after %v, want %v", c.all, c.one, r.Took, c.whole)
			}
		}
	}
}

// Subscribers of one carrier reach each other through it, if it lets them.
func TestHairpin(t *testing.T) {
	for _, hairpin := range []string{"false", "true"} {
		o := simulate(t, `
			duration = "30s"
			link = { delay = "10ms" }
			[[group]]
			name = "hub"
			count = 4
			[[group]]
			name = "flat"
			count = 2
			place = "cgn"
			lan = "carrier"
			hairpin = `+hairpin+`
			[[load]]
			from = ["flat1"]
			to = ["flat2"]
			every = "2s"`)
		last := o.between(20*time.Second, 30*time.Second)
		if len(last) < 2 || answered(last) != len(last) {
			t.Fatalf("hairpin %s: %d of %d answered", hairpin, answered(last), len(last))
		}
		for _, r := range last {
			if r.direct() != (hairpin == "true") {
				t.Errorf("hairpin %s: %s", hairpin, r.Route)
			}
		}
	}
}
