package scenario

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/testnet/natlab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What is shipped can be read, says what it is for, and is planned.
func TestShipped(t *testing.T) {
	for _, want := range []string{"lan", "home-and-server", "nat-mix", "churn", "partition",
		"flash-crowd"} {
		spec, err := Find(want)
		if err != nil {
			t.Error(err)
			continue
		}
		plan, err := NewPlan(spec)
		if err != nil {
			t.Errorf("%s: %v", want, err)
		} else if spec.About == "" || len(plan.Calls) == 0 {
			t.Errorf("%s is about %q, and %d calls", want, spec.About, len(plan.Calls))
		}
	}
	crowd, _ := Find("flash-crowd")
	if plan, err := NewPlan(crowd); err != nil || len(plan.Calls) != 1000 {
		t.Errorf("the crowd: %v", err)
	}
	if _, err := Find("nonsense"); err == nil || !strings.Contains(err.Error(), "flash-crowd") {
		t.Errorf("a scenario that is not there: %v", err)
	}
}

// What is printed reads as what it was.
func TestRoundTrip(t *testing.T) {
	for _, name := range Shipped() {
		spec, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, spec)
	}
	roundTrip(t, everything())
}

func roundTrip(t *testing.T, spec Spec) {
	t.Helper()
	text, err := spec.TOML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(spec, again) {
		t.Errorf("was\n%+v, is\n%+v\n%s", spec, again, text)
	}
}

// everything has a value in each field.
func everything() Spec {
	d := func(d time.Duration) Duration { return Duration{d} }
	link := Link{Span{time.Millisecond, 1500 * time.Microsecond}, 0.25, Rate{125_000}}
	return Spec{
		About: "all \"there\" is\n", Seed: 7, Nodes: 9,
		Duration: d(time.Hour), Idle: d(time.Second), Timeout: d(time.Minute), Link: link,
		Cells: map[string]Cell{"a": {Slow, d(time.Second), ""},
			"b.c": {DNA, Duration{}, "/bin/cat"}},
		Groups: []Group{
			{Name: "x", Count: 2, Place: Place{natlab.CGN}, LAN: "l", Hairpin: true, Link: &link,
				Cells: []string{"a", "b.c"}},
			{Name: "y", Share: 0.5},
		},
		Loads: []Load{{[]string{"x"}, []string{"y", "x1"}, "a", d(time.Second), 3, 64,
			d(2 * time.Second), d(3 * time.Second)}},
		Events: []Event{
			{At: d(1), Do: Partition, Sides: [][]string{{"x1"}, {"x2", "y"}}, For: d(5)},
			{At: d(2), Do: Relink, Who: []string{"x"}, Link: &link},
			{At: d(3), Do: Churn, Rate: 0.1},
		},
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Shipped() {
		text, err := shipped.ReadFile("shipped/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	text, err := everything().TOML()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		spec, err := Parse("fuzz", text)
		if err != nil {
			return
		}
		once, err := spec.TOML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again", once)
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, err := again.TOML(); err != nil || string(twice) != string(once) {
			t.Errorf("was\n%s, is\n%s, %v", once, twice, err)
		}
	})
}

// A mistake is told by its line, and by what to write instead.
func TestMistakes(t *testing.T) {
	const good = "duration = \"10s\"\n[[group]]\nname = \"a\"\ncount = 2\n[[group]]\nname = " +
		"\"b\"\ncount = 1\nplace = \"eim\"\n[[load]]\nevery = \"1s\"\n"
	if _, err := Parse("good", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"count = 2", "cuont = 2", `bad:4: unknown key "group.cuont": remove it, or correct its name`},
		{"count = 2", "count = \"2\"", "bad:4: "},
		{"count = 2", "count = 2\nshare = 1", "bad:4: group 1: a needs either count or share"},
		{"count = 2", "count = 99999", "bad:4: group 1: count = 99999: write 1 to 20000"},
		{"count = 2", "share = 2", "bad:4: group 1: a has a share of nodes, which is 0: write " +
			"nodes = 50 at the top, or a count here"},
		{"count = 2", "count = 2\nlan = \"x\"", "bad:5: group 1: public nodes share no LAN"},
		{"count = 2", "count = 2\ncells = [\"mill\"]",
			`bad:5: group 1: there is no cell "mill": add [cell.mill], or write one of echo`},
		{"count = 2", "count = 2\nlink = { loss = 2 }",
			"bad:5: group 1: loss = 2: write a share, from 0 to 1"},
		{`name = "b"`, `name = "a"`, "bad:6: group 2: there already is a group a"},
		{`name = "b"`, `name = "a1"`, "bad:6: group 2: another group already has a node a1: " +
			"choose another name"},
		{`name = "b"`, `name = "B"`, `bad:6: group 2: name = "B": write a word in lower case, as in home`},
		{`"eim"`, "\"eim\"\nhairpin = true", `bad:9: group 2: hairpin is for nodes that share a router: write lan, as in lan = "office"`},
		{`"eim"`, "\"eim\"\nlan = \"x\"\n[[group]]\nname = \"c\"\ncount = 1\nplace = " +
			"\"eim\"\nlan = \"x\"\nhairpin = true",
			`bad:15: group 3: b and c share the LAN x, but differ in hairpin`},
		{`"eim"`, "\"eim\"\nlan = \"x\"\n[[group]]\nname = \"c\"\ncount = 1\nplace = " +
			"\"eim\"\nlan = \"x\"\nlink = { loss = 0.1 }",
			`bad:15: group 3: b and c share the LAN x, but differ in link`},
		{`"eim"`, `"nat"`, `bad:8: `},
		{`"eim"`, `3`, `bad:8: `},
		{`"1s"`, `1`, "bad:10: "},
		{`"1s"`, `"-1s"`, "bad:10: "},
		{`every = "1s"`, "calls = 3", "bad:9: load 1: every is missing"},
		{`every = "1s"`, "every = \"1s\"\nto = [\"c\"]",
			`bad:11: load 1: no group and no node is called "c"`},
		{`every = "1s"`, "every = \"1s\"\ncell = \"mill\"",
			`bad:11: load 1: there is no cell "mill": write one of echo`},
		{"[[load]]", "[link]\nloss = -1\n[[load]]",
			"bad:10: loss = -1: write a share, from 0 to 1"},
		{"[[load]]", "[cell.x]\ndoes = \"nothing\"\n[[load]]",
			`bad:10: cell x: does = "nothing": write echo, slow, crash, silent or dna`},
		{"[[load]]", "[cell.\"stem.x\"]\ndoes = \"echo\"\n[[load]]",
			`bad:9: cell stem.x: names that begin with "stem."`},
		{"[[load]]", "[[event]]\nat = \"1s\"\ndo = \"sing\"\n[[load]]",
			`bad:11: event 1: do = "sing": write one of churn, cut, heal, `},
		{"[[load]]", "[[event]]\nat = \"1s\"\ndo = \"kill\"\n[[load]]",
			`bad:11: event 1: kill needs who`},
		{"[[load]]", "[[event]]\nat = \"1s\"\ndo = \"heal\"\nwho = [\"a\"]\n[[load]]",
			`bad:12: event 1: heal takes no who: remove it`},
		{"[[load]]", "[[event]]\nat = \"1s\"\ndo = \"renumber\"\nwho = [\"a\"]\n[[load]]",
			`bad:12: event 1: public nodes have no router`},
		{"[[load]]", "[[event]]\nat = \"1s\"\ndo = \"cut\"\nwho = [\"a\", \"b\"]\n[[load]]",
			`bad:12: event 1: a cut is between two nodes`},
		{"[[load]]", "[[event]]\nat = \"11s\"\ndo = \"heal\"\n[[load]]",
			`bad:10: event 1: the scenario ends after 10s`},
		{"duration =", "seed = -1\nduration =", "bad:1: seed -1 is negative"},
		{good, "", "bad:1: there is no [[group]] of nodes"},
		{good, "duration = \n", "bad:1: "},
	} {
		_, err := Parse("bad", []byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.new, err, c.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.toml")
	if _, err := Find(path); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("nodes = -1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(path); err == nil || !strings.HasPrefix(err.Error(), path+":1: nodes = -1") {
		t.Errorf("a bad file: %v", err)
	}
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file: %v", err)
	}
}
