package policy

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/stem/gate"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// runFiles runs the policy of a home until the test ends.
func runFiles(t *testing.T, h home.Home) *Files {
	t.Helper()
	f := New(h, testID(0), stemtest.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f
}

// may reports whether peer n may reach the cell by the rules in force.
func may(f *Files, n int, cell string) bool {
	return gate.Allow(f.Rules(), gate.Caller{Peer: testID(n)}, name(cell), "", time.Time{})
}

// Edits by hand are soon in force, in each way that editors write files, and so are removals.
func TestEditsByHandAreInForceSoon(t *testing.T) {
	h := stemtest.Home(t)
	f := runFiles(t, h)
	laptop := stemtest.PeerFile(h, "laptop")

	write(t, laptop, stemtest.GrantText(1, `"retina"`), 0o600)
	eventually(t, "a new file grants", func() bool { return may(f, 1, "retina") })
	if err := os.WriteFile(laptop, []byte(stemtest.GrantText(1, `"echo"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an edit in place grants", func() bool {
		return may(f, 1, "echo") && !may(f, 1, "retina")
	})
	if err := os.Remove(laptop); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a removal revokes", func() bool { return !may(f, 1, "echo") })
	write(t, h.DNA(name("retina"))+".toml", "public = true\n", 0o600)
	eventually(t, "a cell is public", func() bool { return may(f, 9, "retina") })
	write(t, h.DNA(name("retina"))+".toml", "public = false\n", 0o600)
	eventually(t, "the cell is no longer public", func() bool { return !may(f, 9, "retina") })
}

// After Reread, an edit is in force without an event.
func TestRereadIsInForceAtReturn(t *testing.T) {
	h := stemtest.Home(t)
	f := New(h, testID(0), stemtest.Discard)
	for i := range 20 {
		cells := []string{`"retina"`, ``}[i%2]
		write(t, stemtest.PeerFile(h, "laptop"), stemtest.GrantText(1, cells), 0o600)
		f.Reread()
		if got, want := may(f, 1, "retina"), i%2 == 0; got != want {
			t.Fatalf("with cells = [%s], may it reach retina? %v", cells, got)
		}
	}
	if got := f.Rules().Petnames[petname("laptop")]; got != testID(1) {
		t.Errorf("laptop is %s", got)
	}
}

// A bad file grants nothing, is reported with place and remedy, and does not affect others.
func TestBadFilesGrantNothing(t *testing.T) {
	h := stemtest.Home(t)
	write(t, stemtest.PeerFile(h, "good"), stemtest.GrantText(1, `"retina"`), 0o600)
	write(t, h.DNA(name("open"))+".toml", "public = true\n", 0o600)
	bad := map[string]string{ // by file and line of the error
		"peers/cells.toml:2":       stemtest.GrantText(2, `"retina", "../etc"`),
		"peers/unknown.toml:3":     stemtest.GrantText(3, `"retina"`) + "admin = true\n",
		"peers/damaged.toml:1":     "id = \"12D3KooWdamaged\"\ncells = [\"retina\"]\n",
		"peers/torn.toml:2":        fmt.Sprintf("id = %q\ncells = [\"ret", testID(4)),
		"peers/noid.toml: no id":   "cells = [\"*\"]\n",
		"peers/Loud.toml: petname": stemtest.GrantText(5, `"retina"`),
		"peers/zwilling.toml: ":    stemtest.GrantText(1, `"*"`), // the good one's ID
		"dna/closed.toml:2":        "public = true\nstart_timeout = \"soon\"\n",
		"dna/stem.list.toml: ":     "public = true\n",
	}
	for place, text := range bad {
		path, _, _ := strings.Cut(place, ":")
		write(t, filepath.Join(h.String(), path), text, 0o600)
	}
	var log bytes.Buffer
	f := New(h, testID(0), slog.New(slog.NewTextHandler(&log, nil)))

	if !may(f, 1, "retina") || may(f, 1, "echo") || !may(f, 9, "open") {
		t.Error("the good files are not in force")
	}
	for n := 2; n <= 9; n++ {
		if may(f, n, "retina") || may(f, n, "closed") || may(f, n, "stem.list") {
			t.Errorf("a bad file grants something to peer %d", n)
		}
	}
	problems := fmt.Sprintln(f.Rules().Problems)
	for place := range bad {
		if !strings.Contains(problems, filepath.Join(h.String(), place)) &&
			!strings.Contains(problems, h.String()+"/"+place) {
			t.Errorf("no problem names %s", place)
		}
	}
	if n := len(f.Rules().Problems); n != len(bad) {
		t.Errorf("%d problems: %s", n, problems)
	}
	if n := strings.Count(log.String(), "bad file ignored"); n != len(bad) {
		t.Errorf("%d of %d were logged", n, len(bad))
	}
}

// Rules are replaced and never changed.
func TestRulesAreReplacedNotChanged(t *testing.T) {
	h := stemtest.Home(t)
	f := New(h, testID(0), stemtest.Discard)
	before := f.Rules()
	write(t, stemtest.PeerFile(h, "laptop"), stemtest.GrantText(1, `"*"`), 0o600)
	f.Reread()
	if gate.Allow(before, gate.Caller{Peer: testID(1)}, name("retina"), "", time.Time{}) ||
		!may(f, 1, "retina") {
		t.Error("the old rules changed, or the new ones are not in force")
	}
}
