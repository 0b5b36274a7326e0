package scenario

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func planOf(t *testing.T, name string, change func(*Spec)) *Plan {
	t.Helper()
	spec, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&spec)
	}
	plan, err := NewPlan(spec)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// The same seed gives the same nodes, calls and events; another gives others.
func TestSeed(t *testing.T) {
	for _, name := range Shipped() {
		one, same := planOf(t, name, nil), planOf(t, name, nil)
		other := planOf(t, name, func(s *Spec) { s.Seed = 2 })
		if !reflect.DeepEqual(one, same) {
			t.Errorf("%s: one seed gives two plans", name)
		}
		if reflect.DeepEqual(one.Calls, other.Calls) {
			t.Errorf("%s: two seeds give the same calls", name)
		}
	}
	one, other := planOf(t, "churn", nil), planOf(t, "churn", func(s *Spec) { s.Seed = 2 })
	if reflect.DeepEqual(one.Steps, other.Steps) || one.Nodes[9].Link == other.Nodes[9].Link {
		t.Error("two seeds give the same churn, or the same lines")
	}
}

// One more load or event changes nothing of the others.
func TestChangesAreLocal(t *testing.T) {
	was := planOf(t, "home-and-server", nil)
	now := planOf(t, "home-and-server", func(s *Spec) {
		s.Loads = append(s.Loads, Load{From: []string{"phone"}, Every: Duration{time.Second}})
		s.Events = append(s.Events, Event{Do: Kill, Who: []string{"phone"},
			At: Duration{80 * time.Second}})
	})
	left := map[Call]bool{}
	for _, call := range now.Calls {
		left[call] = true
	}
	for _, call := range was.Calls {
		if !left[call] {
			t.Fatalf("%+v has changed", call)
		}
	}
	if !reflect.DeepEqual(was.Nodes, now.Nodes) {
		t.Error("the nodes have changed")
	}
}

// The plans are what they were, for as long as nobody means to change them.
func TestGolden(t *testing.T) {
	for _, name := range []string{"home-and-server", "churn", "nat-mix"} {
		var text bytes.Buffer
		plan := planOf(t, name, nil)
		for _, n := range plan.Nodes {
			fmt.Fprintln(&text, "node", n.Name, n.Place, n.LAN, n.Link, n.From, n.Gone)
		}
		for _, s := range plan.Steps {
			fmt.Fprintln(&text, "step", s.At, s.Event, s.Do, s.Nodes, s.Sides)
		}
		for _, m := range plan.Marks {
			fmt.Fprintln(&text, "mark", m.At, m.Until, m.Label)
		}
		for _, c := range plan.Calls[:20] {
			fmt.Fprintln(&text, "call", c)
		}
		path := "testdata/" + name + ".plan"
		if *update {
			if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text.String() != string(want) {
			t.Errorf("%s: the plan has changed: look at git diff after \"go test -update\"", name)
		}
	}
}

// Shares are kept to within one node, and counts exactly.
func TestCounts(t *testing.T) {
	spec, err := Find("nat-mix")
	if err != nil {
		t.Fatal(err)
	}
	for _, nodes := range []int{4, 10, 63, 300, 5000} {
		if err := spec.Resize(nodes); err != nil {
			t.Fatal(err)
		}
		counts, total := spec.counts(), 0
		for i, g := range spec.Groups {
			total += counts[i]
			if want := g.Share / 100 * float64(spec.Nodes); g.Share > 0 &&
				(float64(counts[i]) < want-1 || float64(counts[i]) > want+1) {
				t.Errorf("of %d, %s has %d, want %v", nodes, g.Name, counts[i], want)
			}
		}
		if total != nodes || counts[0] != 3 {
			t.Errorf("%d nodes, %d of them servers, want %d and 3", total, counts[0], nodes)
		}
	}
	if rate := spec.rate(); rate < 0.99*maxRate || rate > 1.01*maxRate {
		t.Errorf("5000 nodes make %v calls a second, want %d", rate, maxRate)
	}
	if err := spec.Resize(3); err == nil {
		t.Error("three servers leave no room for others")
	}
	fixed, _ := Find("lan")
	if err := fixed.Resize(9); err == nil {
		t.Error("a scenario without shares grew")
	}
	if err := fixed.Resize(6); err != nil {
		t.Error(err)
	}
}

// During churn somebody comes for everyone who goes; nobody calls, or is called, who is
// gone or has just come.
func TestChurnPlan(t *testing.T) {
	p := planOf(t, "churn", nil)
	nodes := map[string]Node{}
	came, gone := 0, 0
	for i, n := range p.Nodes {
		nodes[n.Name] = n
		if n.From > 0 {
			came++
		}
		if n.Gone > 0 {
			gone++
			if i < bootstrapNodes {
				t.Errorf("%s goes, where newcomers begin", n.Name)
			}
			if n.Gone <= n.From || n.From < 0 {
				t.Errorf("%s comes at %v and goes at %v", n.Name, n.From, n.Gone)
			}
		}
	}
	// A fifth of 57 a minute, for 100 s, is 19.
	if came != gone || came < 10 || came > 30 || len(p.Steps) != 2*came {
		t.Errorf("%d came, %d went, in %d steps", came, gone, len(p.Steps))
	}
	for _, c := range p.Calls {
		if from, to := nodes[c.From], nodes[c.To]; !from.alive(c.At) || !to.alive(c.At) ||
			c.From == c.To {
			t.Errorf("%v, from %+v to %+v", c, from, to)
		}
	}
}

// Whom churn has taken is not started again with the others of its group.
func TestGoneForGood(t *testing.T) {
	p := planOf(t, "churn", func(s *Spec) {
		s.Events = append(s.Events, Event{Do: Restart, Who: []string{"home"},
			At: Duration{time.Minute}})
	})
	gone := map[string]time.Duration{}
	for _, n := range p.Nodes {
		gone[n.Name] = n.Gone
	}
	later := 0
	for _, step := range p.Steps {
		for _, name := range step.Nodes {
			if step.Do != Restart || gone[name] == 0 {
				continue
			}
			if later++; gone[name] <= step.At {
				t.Errorf("%s is restarted at %v, and gone since %v", name, step.At, gone[name])
			}
		}
	}
	if later == 0 {
		t.Error("nobody goes after that: there is nothing to see")
	}
}

// Callers keep to their pauses, their number of calls and their time.
func TestLoad(t *testing.T) {
	p := planOf(t, "lan", func(s *Spec) {
		s.Duration = Duration{1000 * time.Second}
		s.Loads = []Load{
			{From: []string{"desk1"}, To: []string{"desk2"}, Every: Duration{time.Second},
				Bytes: 5},
			{From: []string{"desk2"}, Every: Duration{time.Second}, Calls: 3},
			{From: []string{"desk3"}, Every: Duration{time.Second},
				Begin: Duration{10 * time.Second}, End: Duration{20 * time.Second}},
		}
	})
	calls := map[string]int{}
	for i, c := range p.Calls {
		calls[c.From]++
		if c.From == "desk3" && (c.At < 10*time.Second || c.At >= 20*time.Second) {
			t.Errorf("a call at %v", c.At)
		}
		if c.From == "desk1" && (c.To != "desk2" || c.Bytes != 5 || c.Cell != Echo) {
			t.Errorf("%+v", c)
		}
		if i > 0 && c.At < p.Calls[i-1].At {
			t.Errorf("%v comes after %v", c.At, p.Calls[i-1].At)
		}
	}
	if n := calls["desk1"]; n < 900 || n > 1100 {
		t.Errorf("%d calls in 1000 s, one a second", n)
	}
	if calls["desk2"] != 3 {
		t.Errorf("%d calls, want 3", calls["desk2"])
	}
	spec, _ := Find("lan")
	spec.Duration, spec.Loads[0].Every = Duration{maxDuration}, Duration{time.Millisecond}
	if _, err := NewPlan(spec); err == nil {
		t.Error("six billion calls are planned")
	}
}

// Those who share a LAN share its line, who come later among them.
func TestSharedLine(t *testing.T) {
	p := planOf(t, "lan", func(s *Spec) {
		s.Link.Delay = Span{time.Millisecond, 50 * time.Millisecond}
		s.Events = append(s.Events, Event{Do: Churn, Rate: 1})
	})
	if len(p.Nodes) < 8 {
		t.Errorf("%d nodes with those who came", len(p.Nodes))
	}
	for _, n := range p.Nodes {
		if n.Link != p.Nodes[0].Link {
			t.Errorf("%s has the line %v, and %s %v", n.Name, n.Link, p.Nodes[0].Name,
				p.Nodes[0].Link)
		}
	}
}
