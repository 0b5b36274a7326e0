//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// left are the namespaces that a lab has.
func left(t *testing.T, lab string) []string {
	paths, err := filepath.Glob(filepath.Join(namespaces, "natlab."+lab+".*"))
	check(t, err)
	return paths
}

// testPrefix is one that a test of the same name in another process does not have.
func testPrefix(name string) string { return fmt.Sprintf("test-%s-%d", name, os.Getpid()) }

func TestClose(t *testing.T) {
	needLab(t)
	t.Parallel()
	prefix := testPrefix("close")
	lab, err := New(Config{Prefix: prefix}, Public.Site("a"), CGN.Site("x", "y"))
	check(t, err)
	if got := left(t, prefix); len(got) != 6 {
		t.Errorf("a lab of six machines has %v", got)
	}
	if _, err := New(Config{Prefix: prefix}, Public.Site("a")); !errors.Is(err, errClaimed) {
		t.Errorf("a second lab with the prefix: %v", err)
	}
	cmd := lab.Host("x").Command(t.Context(), "cat")
	stdin, err := cmd.StdinPipe()
	check(t, err)
	defer stdin.Close()
	check(t, cmd.Start())
	check(t, lab.Close())
	cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok ||
		status.Signal() != syscall.SIGKILL {
		t.Errorf("a program in the lab ended with %v", cmd.ProcessState)
	}
	if got := left(t, prefix); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
	check(t, lab.Close())
}

func TestNewFails(t *testing.T) {
	needLab(t)
	t.Parallel()
	prefix := testPrefix("fails")
	for _, sites := range [][]Site{
		{Public.Site("a"), EIM.Site("x"), Public.Site("x")},
		{Public.Site("a"), Kind(99).Site("x")},
	} {
		if _, err := New(Config{Prefix: prefix}, sites...); err == nil {
			t.Errorf("New(%v) has built something", sites)
		}
		if got := left(t, prefix); len(got) > 0 {
			t.Errorf("New(%v) has left behind %v", sites, got)
		}
	}
	if _, err := New(Config{Prefix: "../up"}); err == nil {
		t.Error("a bad prefix is accepted")
	}
}

// A lab whose process has crashed is removed by the next one, and its programs with it.
// One that lives is left alone.
func TestSweep(t *testing.T) {
	needLab(t)
	t.Parallel()
	claim, err := newClaim(testPrefix("crashed"))
	check(t, err)
	crashed := claim.namespace("a")
	check(t, crashed.add())
	orphan := exec.Command("ip", "netns", "exec", string(crashed), "cat")
	stdin, err := orphan.StdinPipe()
	check(t, err)
	defer stdin.Close()
	check(t, orphan.Start())
	newLab(t, Link{}, Public.Site("a"))
	if _, err := os.Stat(crashed.path()); err != nil {
		t.Errorf("a claimed namespace was removed: %v", err)
	}
	check(t, claim.release())
	newLab(t, Link{}, Public.Site("a"))
	if _, err := os.Stat(crashed.path()); err == nil {
		t.Error("a namespace that nobody claims was left")
	}
	orphan.Wait()
}

// Nothing leads out of a lab: its machines have the devices that the lab made, and loopback.
func TestIsolation(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a"), EIM.Site("x"))
	var all []string
	for _, m := range lab.machines {
		out, err := m.Command(context.Background(), "ip", "-o", "link").Output()
		check(t, err)
		for line := range strings.Lines(string(out)) {
			device, _, _ := strings.Cut(strings.Fields(line)[1], "@")
			all = append(all, m.name+" "+strings.TrimSuffix(device, ":"))
		}
	}
	slices.Sort(all)
	want := []string{"a lo", "a up0", "r-x lan0", "r-x lo", "r-x port1", "r-x up0", "x lo", "x up0"}
	if !slices.Equal(all, want) {
		t.Errorf("the machines have %v, want %v", all, want)
	}
}
