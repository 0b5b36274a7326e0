package scenario

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// simulate runs a scenario in virtual time.
func simulate(t *testing.T, text string) (o *Outcome) {
	t.Helper()
	spec, err := Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if o, err = Run(t.Context(), spec, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	for _, problem := range o.Problems {
		t.Error(problem)
	}
	return o
}

// between returns the records of calls that were made in a span of time.
func (o *Outcome) between(from, to time.Duration) (some []Record) {
	for _, r := range o.Records {
		if r.At >= from && r.At < to {
			some = append(some, r)
		}
	}
	return some
}

func answered(records []Record) (count int) {
	for _, r := range records {
		if r.Answered() {
			count++
		}
	}
	return count
}

// Everybody calls everybody, and gets what it sent, through as many routers as there are.
func TestRun(t *testing.T) {
	o := simulate(t, `
		duration = "20s"
		idle = "30s"
		link = { delay = "10ms" }
		[[group]]
		name = "server"
		count = 2
		[[group]]
		name = "home"
		count = 2
		place = "eim"
		[[group]]
		name = "phone"
		count = 2
		place = "sym"
		[[load]]
		every = "2s"
		bytes = 3000`)
	s := o.Summary()
	if s.Nodes != 6 || s.Asked < 40 || s.Answered != s.Asked || s.Direct+s.Relayed != s.Asked {
		t.Errorf("%+v", s)
	}
	if s.Direct == 0 || s.Relayed == 0 {
		t.Errorf("%d calls were direct and %d relayed: phones can't call each other, and servers can be called", s.Direct, s.Relayed)
	}
	// A round trip takes 40 ms, and a call one or more of them.
	if s.FirstByte.P50 < 40 || s.FirstByte.P99 > 5000 || s.FirstByte.P50 > s.FirstByte.P90 ||
		s.FirstByte.P90 > s.FirstByte.P99 {
		t.Errorf("the first byte takes %+v ms", s.FirstByte)
	}
	if s.Rate < 3000/2 || s.Idle <= 0 || s.Idle > s.Rate || s.Memory <= 0 || s.Lookups == 0 ||
		s.Joining <= 0 {
		t.Errorf("%+v", s)
	}
	if w := o.Where["phone2"]; w.Group != "phone" || w.Place.String() != "sym" {
		t.Errorf("phone2 is at %v", w)
	}
	for _, r := range o.Records {
		if r.FirstByte < r.Granted || r.Granted < r.Reached || r.Took < r.FirstByte ||
			r.Granted == 0 {
			t.Errorf("the phases of %+v", r)
		}
	}
}

// Cells do what they are there for.
func TestCells(t *testing.T) {
	o := simulate(t, `
		duration = "5s"
		timeout = "3s"
		link = { delay = "1ms" }
		cell.late = { does = "slow", wait = "1s" }
		cell.boom = { does = "crash" }
		cell.mute = { does = "silent" }
		[[group]]
		name = "a"
		count = 1
		cells = ["late", "boom", "mute"]
		[[group]]
		name = "b"
		count = 1
		[[load]]
		from = ["b"]
		cell = "late"
		every = "1s"
		calls = 1
		[[load]]
		from = ["b"]
		cell = "boom"
		every = "1s"
		calls = 1
		[[load]]
		from = ["b"]
		cell = "mute"
		every = "1s"
		calls = 1
		[[load]]
		from = ["b"]
		every = "1s"
		calls = 1`)
	got := map[string]Record{}
	for _, r := range o.Records {
		got[r.Cell] = r
	}
	if late := got["late"]; !late.Answered() || late.FirstByte < time.Second ||
		late.FirstByte > 1100*time.Millisecond {
		t.Errorf("the slow one: %+v", late)
	}
	if mute := got["mute"]; mute.Answered() || mute.Err != "no whole answer in 3s" ||
		mute.Took < 3*time.Second || mute.Took > 4*time.Second {
		t.Errorf("the silent one: %+v", mute)
	}
	if boom := got["boom"]; boom.Answered() || boom.Took > time.Second {
		t.Errorf("the one that crashes: %+v", boom)
	}
	if none := got["echo"]; none.Answered() || !strings.Contains(none.Err, "echo") {
		t.Errorf("one that is not there: %+v", none)
	}
	s := o.Summary()
	if s.Asked != 4 || s.Answered != 1 || len(s.Failures) != 3 {
		t.Errorf("%+v", s)
	}
}

// Who was there, who called whom and by which way is the same each time.
func TestRunsAlike(t *testing.T) {
	type seen struct {
		call  Call
		ok    bool
		route string
	}
	var runs [2][]seen
	for i := range runs {
		o := simulate(t, `
			duration = "1m"
			seed = 5
			link = { delay = "5ms-30ms" }
			[[group]]
			name = "hub"
			count = 4
			[[group]]
			name = "phone"
			count = 2
			place = "sym"
			[[load]]
			every = "5s"
			[[event]]
			at = "10s"
			do = "churn"
			who = ["hub"]
			rate = 1`)
		for _, r := range o.Records {
			runs[i] = append(runs[i], seen{r.Call, r.Answered(), r.Route})
		}
		slices.SortFunc(runs[i], func(a, b seen) int { return int(a.call.At - b.call.At) })
	}
	if len(runs[0]) < 30 || !reflect.DeepEqual(runs[0], runs[1]) {
		t.Errorf("two runs of one seed:\n%v\n%v", runs[0], runs[1])
	}
}

// Who interrupts a run gets no outcome, and nothing is left running.
func TestInterrupt(t *testing.T) {
	spec, err := Find("lan")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began, told := time.Now(), 0
		o, err := Run(ctx, spec, Options{Progress: func(p Progress) {
			if told++; p.Nodes != 6 || p.Up != 6 || told > 3 && p.Phase != Calling ||
				p.Answered > p.Asked {
				t.Errorf("%+v", p)
			}
		}})
		if o != nil || !errors.Is(err, context.DeadlineExceeded) ||
			time.Since(began) > 20*time.Second {
			t.Errorf("%+v, %v after %v", o, err, time.Since(began))
		}
		if told < 5 {
			t.Errorf("told %d times in 10 s", told)
		}
	})
}

// What a simulation can't do, it says.
func TestCantSimulate(t *testing.T) {
	for text, want := range map[string]string{
		"[[group]]\nname = \"a\"\ncount = 1\nplace = \"tcp-only\"\n":                                               "only TCP",
		"cell.x = { does = \"dna\", program = \"/bin/cat\" }\n[[group]]\nname = \"a\"\ncount = 1\ncells = [\"x\"]": "cell x is a program",
	} {
		spec, err := Parse("test", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), spec, Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	mix, _ := Find("nat-mix")
	if _, err := Run(t.Context(), mix, Options{Join: Preset}); err == nil {
		t.Error("nodes behind NATs joined by tables")
	}
}

// What is shipped shows what it says, in small.
func TestShippedRuns(t *testing.T) {
	for _, c := range []struct {
		name     string
		nodes    int // 0 for as many as there are
		length   time.Duration
		answered float64 // the share, at least
		relayed  bool
	}{
		{"lan", 0, 30 * time.Second, 1, false},
		// its server is gone for ten seconds, and calls wait for seven
		{"home-and-server", 0, 90 * time.Second, 0.8, true},
		{"nat-mix", 10, 30 * time.Second, 0.99, true},
		{"churn", 8, time.Minute, 0.9, true},
		{"flash-crowd", 30, 20 * time.Second, 1, false},
	} {
		spec, err := Find(c.name)
		if err != nil {
			t.Fatal(err)
		}
		spec.Duration = Duration{c.length}
		if c.nodes > 0 {
			if err := spec.Resize(c.nodes); err != nil {
				t.Fatal(err)
			}
		}
		text, err := spec.TOML()
		if err != nil {
			t.Fatal(err)
		}
		s := simulate(t, string(text)).Summary()
		if s.Asked < 20 || float64(s.Answered) < c.answered*float64(s.Asked) ||
			s.Relayed > 0 != c.relayed || s.Direct == 0 {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}
