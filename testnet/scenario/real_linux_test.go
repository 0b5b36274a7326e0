package scenario

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
	if out, err := exec.Command("go", "build", "-o", cell, "github.com/cell-mesh/cell/cmd/cell").CombinedOutput(); err != nil {
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
		t.Errorf("before anything happens, %d of %d calls are answered: %v", answered(some), len(some), o.Summary().Failures)
	}
	s := o.Summary()
	if s.Direct == 0 || s.Relayed == 0 || s.Rate == 0 || s.Nodes != 4 {
		t.Errorf("%+v", s)
	}
	for _, r := range o.Records {
		if !r.Answered() {
			continue
		}
		if public := o.Where[r.To].Group == "server"; public && r.Route != "direct quic" && r.Route != "direct tcp" && r.Route != "" {
			t.Errorf("%s called %s by %q", r.From, r.To, r.Route)
		}
		if pair := o.Where[r.From].Group + o.Where[r.To].Group; pair == "homephone" || pair == "phonehome" {
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

// What only a simulation can do is refused, and nothing is made.
func TestCantBeReal(t *testing.T) {
	spec, err := Find("partition")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), spec, Options{Real: true, Cell: "cell"}); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a partition: %v", err)
	}
	if crowd, _ := Find("flash-crowd"); err == nil {
		if _, err := Run(t.Context(), crowd, Options{Real: true, Cell: "cell"}); err == nil {
			t.Error("a thousand processes were started")
		}
	}
}
