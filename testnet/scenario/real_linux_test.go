package scenario

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// really runs a scenario on the kernel's networks, and checks that it leaves nothing behind.
func really(t *testing.T, spec Spec) *Outcome {
	t.Helper()
	if err := natlab.Check(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	cell := filepath.Join(dir, "cell")
	if out, err := exec.Command("go", "build", "-o", cell,
		"github.com/cell-mesh/cell/cmd/cell").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("TMPDIR", dir)
	o, err := Run(t.Context(), spec, Options{Real: true, Cell: cell})
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return o
}

// The same description runs on real kernels: who can call whom directly is as simulated.
func TestReal(t *testing.T) {
	const text = `
		duration = "8s"
		timeout = "10s"
		link = { delay = "5ms" }
		cell.late = { does = "slow", wait = "300ms" }
		[[group]]
		name = "server"
		count = 2
		cells = ["echo", "late"]
		[[group]]
		name = "home"
		count = 1
		place = "eim"
		[[group]]
		name = "phone"
		count = 1
		place = "sym"
		[[load]]
		every = "1s"
		[[load]]
		from = ["home"]
		to = ["server"]
		cell = "late"
		every = "1s"
		calls = 1
		[[event]]
		at = "3s"
		do = "kill"
		who = ["server2"]
		for = "1s"
		[[event]]
		at = "5s"
		do = "renumber"
		who = ["home"]`
	spec, err := Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := really(t, spec)
	for _, problem := range o.Problems {
		t.Error(problem)
	}
	if some := o.between(0, 2e9); len(some) < 4 || answered(some) != len(some) {
		t.Errorf("before anything happens, %d of %d calls are answered: %v", answered(some),
			len(some), o.Summary().Failures)
	}
	s := o.Summary()
	if s.Direct == 0 || s.Relayed == 0 || s.Rate == 0 || s.Nodes != 4 {
		t.Errorf("%+v", s)
	}
	for _, r := range o.Records {
		if !r.Answered() {
			continue
		}
		if public := o.Where[r.To].Group == "server"; public && r.Route != "direct quic" &&
			r.Route != "direct tcp" && r.Route != "" {
			t.Errorf("%s called %s by %q", r.From, r.To, r.Route)
		}
		if pair := o.Where[r.From].Group + o.Where[r.To].Group; pair == "homephone" ||
			pair == "phonehome" {
			if r.Route != "relayed quic" && r.Route != "relayed tcp" && r.Route != "" {
				t.Errorf("%s called %s by %q", r.From, r.To, r.Route)
			}
		}
		if r.Cell == "late" && r.FirstByte < 300e6 {
			t.Errorf("the slow cell took %v", r.FirstByte)
		}
		if r.FirstByte < r.Granted || r.Granted == 0 {
			t.Errorf("%+v", r)
		}
	}
}

// What happens to lines on real kernels is felt while it lasts, and not after.
func TestRealLines(t *testing.T) {
	spec, err := Parse("test", []byte(`
		duration = "11500ms"
		timeout = "1s"
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
		every = "150ms"
		end = "10s"
		[[load]]                   # while the line takes half a second for it
		from = ["a"]
		to = ["b"]
		every = "1ms"
		begin = "10300ms"
		calls = 1
		bytes = 20_000
		[[event]]
		at = "1s"
		do = "partition"
		sides = [["a"], ["b", "hub"]]
		for = "1600ms"
		[[event]]
		at = "4s"
		do = "cut"
		who = ["a", "b"]
		for = "1600ms"
		[[event]]
		at = "7s"
		do = "link"
		who = ["b"]
		link = { loss = 1.0 }
		for = "1600ms"
		[[event]]
		at = "10s"
		do = "link"
		who = ["b"]
		link = { rate = "320kbit" }`))
	if err != nil {
		t.Fatal(err)
	}
	o := really(t, spec)
	for _, problem := range o.Problems {
		t.Error(problem)
	}
	const ms = time.Millisecond
	for _, c := range []struct { // an event may be late on a busy machine
		what     string
		from, to time.Duration
		answered bool
	}{
		{"before", 0, 950 * ms, true},
		{"parted", 1250 * ms, 1500 * ms, false},
		{"healed", 3300 * ms, 3900 * ms, true},
		{"cut", 4250 * ms, 4500 * ms, false},
		{"healed again", 6300 * ms, 6900 * ms, true},
		{"lost", 7250 * ms, 7500 * ms, false},
		{"as before", 9300 * ms, 9900 * ms, true},
	} {
		some := o.between(c.from, c.to)
		// a busy machine may miss one
		if n := answered(some); len(some) == 0 || c.answered && n < (len(some)+1)/2 ||
			!c.answered && n > 0 {
			t.Errorf("%s: %d of %d calls are answered: %v", c.what, answered(some), len(some),
				o.Summary().Failures)
		}
	}
	for _, r := range o.Records { // a round trip, and the one before it, cross four lines each
		if r.Answered() && r.FirstByte < 36*ms { // a clock may be read late
			t.Errorf("over lines that take 5 ms: %+v", r)
		}
	}
	slow := o.between(10*time.Second, spec.Duration.Duration)
	if len(slow) != 1 || slow[0].Took < 450*ms {
		t.Errorf("over a narrow line: %+v", slow)
	}
}

// What only a simulation can do is refused by its name, and nothing is made.
func TestCantBeReal(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, c := range []struct {
		name, join, want string
		change           func(*Spec)
	}{
		{"lan", "", "desk1: the kernel's routers support no hairpin", func(s *Spec) {
			s.Groups[0].Hairpin = true
		}},
		{"flash-crowd", "", "1001 nodes, including those that come later", func(*Spec) {}},
		{"partition", Preset, "processes join naturally", func(*Spec) {}},
	} {
		spec, err := Find(c.name)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&spec)
		if _, err := Run(t.Context(), spec, Options{Real: true, Join: c.join,
			Cell: "cell"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
