package scenario

import (
	"testing"
	"testing/synctest"
	"time"
)

// expect fails the test unless all calls in a span of time were answered, or none.
func (o *Outcome) expect(t *testing.T, what string, from, to time.Duration, all bool) {
	t.Helper()
	some := o.between(from, to)
	want := 0
	if all {
		want = len(some)
	}
	if got := answered(some); len(some) < 3 || got != want {
		t.Errorf("%s, %v to %v: %d of %d calls are answered, want %d: %v", what, from, to, got,
			len(some), want, o.Summary().Failures)
	}
}

// What goes wrong is felt while it lasts, and not after; whether it ends by itself, or by
// another event.
func TestEvents(t *testing.T) {
	const nodes = `
		duration = "90s"
		timeout = "5s"
		link = { delay = "5ms" }
		[[group]]
		name = "hub"
		count = 1
		[[group]]
		name = "a"
		count = 1
		[[group]]
		name = "b"
		count = 1
		[[load]]
		from = ["a"]
		to = ["b"]
		every = "1s"
		[[event]]
		at = "20s"
`
	const lasts = "\nfor = \"30s\""
	const then = "\n[[event]]\nat = \"50s\"\n"
	for _, event := range []string{
		`do = "kill"
		who = ["b"]` + lasts,
		`do = "kill"
		who = ["b"]` + then + `do = "restart"
		who = ["b"]`,
		`do = "stop"
		who = ["b"]` + lasts,
		`do = "cut"
		who = ["a", "b"]` + lasts,
		`do = "cut"
		who = ["a", "b"]` + then + `do = "heal"`,
		`do = "partition"
		sides = [["a"], ["b", "hub"]]` + lasts,
		`do = "partition"
		sides = [["a"], ["b", "hub"]]` + then + `do = "heal"`,
		`do = "link"
		who = ["b"]
		link = { loss = 1.0 }` + lasts,
		`do = "link"
		who = ["b"]
		link = { loss = 1.0 }` + then + `do = "link"
		who = ["b"]
		link = { delay = "5ms" }`,
	} {
		o := simulate(t, nodes+event)
		o.expect(t, event, 0, 19*time.Second, true)
		o.expect(t, event, 20*time.Second, 44*time.Second, false)
		o.expect(t, event, 75*time.Second, 90*time.Second, true)
	}
}

// behind has two that can't call each other directly: a home, which is called, and a
// phone. There are some hubs to relay.
func behind(hubs, event string) string {
	return `
		duration = "2m"
		timeout = "5s"
		link = { delay = "5ms" }
		[[group]]
		name = "hub"
		count = ` + hubs + `
		[[group]]
		name = "home"
		count = 1
		place = "eim"
		[[group]]
		name = "phone"
		count = 1
		place = "sym"
		[[load]]
		from = ["phone"]
		to = ["home"]
		every = "1s"
		[[event]]
		at = "30s"
` + event
}

// Without its relay, a node behind a NAT is soon found through another one.
func TestKillRelay(t *testing.T) {
	o := simulate(t, behind("4", `
		do = "kill-relay"
		who = ["home"]`))
	o.expect(t, "before", 0, 28*time.Second, true)
	o.expect(t, "the relay has fallen silent", 30*time.Second, 34*time.Second, false)
	o.expect(t, "another one has been found", 50*time.Second, 2*time.Minute, true)
}

// A relay that comes back is used again, where there is no other.
func TestRelayReturns(t *testing.T) {
	o := simulate(t, behind("1", `
		do = "kill-relay"
		who = ["home"]
		for = "30s"`))
	o.expect(t, "before", 0, 28*time.Second, true)
	o.expect(t, "there is no relay", 30*time.Second, 55*time.Second, false)
	o.expect(t, "it is back", 90*time.Second, 2*time.Minute, true)
}

// Whose router gets another address is out of reach for a moment, and then at the new one.
func TestRenumber(t *testing.T) {
	o := simulate(t, behind("4", `
		do = "renumber"
		who = ["home"]
		[[load]]
		from = ["hub"]
		to = ["home"]
		every = "1s"`))
	slowest := func(from, to time.Duration) (took time.Duration) {
		for _, r := range o.between(from, to) {
			if o.Where[r.From].Group == "hub" { // which were connected directly
				took = max(took, r.Took)
			}
		}
		return took
	}
	if was, is := slowest(0, 28*time.Second), slowest(30*time.Second, 32*time.Second); is < 2*was {
		t.Errorf("the slowest call took %v before, and %v just after", was, is)
	}
	o.expect(t, "with the new address", time.Minute, 2*time.Minute, true)
}

// During churn as many go as come, and who comes is there.
func TestChurn(t *testing.T) {
	spec, err := Parse("test", []byte(`
		duration = "140s"
		timeout = "5s"
		link = { delay = "5ms" }
		[[group]]
		name = "hub"
		count = 3
		[[group]]
		name = "other"
		count = 6
		[[load]]
		every = "2s"
		[[event]]
		at = "10s"
		do = "churn"
		rate = 1
		for = "120s"`))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		most := 0
		o, err := Run(t.Context(), spec, Options{Progress: func(p Progress) {
			most = max(most, p.Up)
		}})
		if err != nil {
			t.Fatal(err)
		}
		was := map[string]bool{}
		for _, r := range o.between(0, 10*time.Second) {
			was[r.From] = true
		}
		fresh := 0
		for _, r := range o.between(130*time.Second, 140*time.Second) {
			if !was[r.From] && r.Answered() {
				fresh++
			}
		}
		if most > 10 || fresh < 5 || len(o.Problems) > 0 {
			t.Errorf("of 9 nodes up to %d run; newcomers make %d calls that are answered; %v", most,
				fresh, o.Problems)
		}
	})
}

// Of two events that overlap, each ends what it began; what the other one keeps up goes on.
func TestOverlap(t *testing.T) {
	const nodes = `
		duration = "2m"
		timeout = "5s"
		link = { delay = "5ms" }
		[[group]]
		name = "hub"
		count = 1
		[[group]]
		name = "a"
		count = 1
		[[group]]
		name = "b"
		count = 1
		[[load]]
		from = ["a"]
		to = ["b"]
		every = "1s"
`
	const long = "[[event]]\nat = \"20s\"\nfor = \"60s\"\n"
	for _, events := range [][2]string{
		{`do = "cut"
		who = ["a", "b"]`, `do = "cut"
		who = ["hub", "b"]`},
		{`do = "partition"
		sides = [["a"], ["b", "hub"]]`, `do = "partition"
		sides = [["hub"], ["a", "b"]]`},
		{`do = "partition"
		sides = [["a"], ["b", "hub"]]`, `do = "cut"
		who = ["a", "b"]`},
		{`do = "kill"
		who = ["b"]`, `do = "stop"
		who = ["b", "hub"]`},
		{`do = "link"
		who = ["b"]
		link = { loss = 1.0 }`, `do = "link"
		who = ["b"]
		link = { loss = 1.0, delay = "1ms" }`},
	} {
		for _, other := range []string{"at = \"10s\"\nfor = \"20s\"\n",
			"at = \"40s\"\nfor = \"10s\"\n"} {
			text := long + events[0] + "\n[[event]]\n" + other + events[1]
			o := simulate(t, nodes+text)
			o.expect(t, text, 0, 9*time.Second, true)
			o.expect(t, text, 20*time.Second, 74*time.Second, false)
			o.expect(t, text, 110*time.Second, 2*time.Minute, true)
		}
	}
}
