package links

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Keep writes what Read reads, and Drop removes it in any spelling.
func TestKeepAndDrop(t *testing.T) {
	h := hometest.New(t)
	want := []string{"127.0.0.1:5432 db@laptop", "/tmp/s retina",
		"run/db@laptop.sock cell://laptop/db?key=abc"}
	for _, line := range want {
		at, to, _ := strings.Cut(line, " ")
		if err := Keep(t.Context(), h, listenOf(t, at), addressOf(t, to)); err != nil {
			t.Fatal(err)
		}
	}
	wantKept(t, h, want...)
	if err := Keep(t.Context(), h, listenOf(t, "5432"), addressOf(t, "other@laptop")); err != nil {
		t.Fatal(err)
	}
	wantKept(t, h, "127.0.0.1:5432 other@laptop", want[1], want[2])
	writeLinks(t, h, "5432 = \"db@laptop\"\n\"localhost:5432\" = \"db@laptop\"\nbad = 5\n")
	if dropped, err := Drop(t.Context(), h, listenOf(t, "5432")); !dropped || err != nil {
		t.Error(dropped, err)
	}
	if dropped, err := Drop(t.Context(), h, listenOf(t, "5432")); dropped || err != nil {
		t.Error(dropped, err)
	}
	if text, _ := os.ReadFile(h.Links()); string(text) != "bad = 5\n" {
		t.Errorf("the other line became %q", text)
	}
	if info, err := os.Stat(h.Links()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err) // it may hold keys
	}
}

// Commands that run at the same time do not undo each other's changes.
func TestKeepTogether(t *testing.T) {
	h := hometest.New(t)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if err := Keep(t.Context(), h, listenOf(t, fmt.Sprint(2000+n)),
				addressOf(t, "db@laptop")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if kept, problems, err := Read(h); len(kept) != 20 || problems != nil || err != nil {
		t.Errorf("%d are kept, %v, %v", len(kept), problems, err)
	}
}

// A bad line is reported with its number, and the other lines stay in force.
func TestBadLines(t *testing.T) {
	h := hometest.New(t)
	for line, words := range map[string]string{
		`nowhere = "db@laptop"`:                      `"nowhere" is neither a port`,
		`5432 = 5`:                                   `the value of "5432" must be an address`,
		`5432 = "db@"`:                               `address "db@"`,
		`0 = "db@laptop"`:                            `"0" has no port: choose one`,
		`"run/db@laptop.sock" = "web@laptop"`:        `"run/db@laptop.sock" is the link to db@laptop and cannot lead elsewhere`,
		`"` + h.RunDir() + `/db.sock" = "db@laptop"`: `is in the folder for sockets of cells`,
		`":6000" = "web@laptop"`:                     `and "6000" are the same place: remove one of them`,
		`[5432]`:                                     `the value of "5432" must be`,
		`"run/` + strings.Repeat("a", 60) + "@" + strings.Repeat("b", 30) + `.sock" = "` +
			strings.Repeat("a", 60) + "@" + strings.Repeat("b", 30) + `"`: " bytes, the limit is ",
	} {
		writeLinks(t, h, "6000 = \"db@laptop\"\n"+line+"\n")
		kept, problems, err := Read(h)
		good := 1
		if strings.Contains(line, "6000") {
			good = len(kept) // either of the two
		}
		if len(kept) != good || len(problems) != 1 || err != nil ||
			!strings.Contains(problems[0].Error(), words) ||
			!strings.HasPrefix(problems[0].Error(), h.Links()+":2: ") &&
				!strings.Contains(line, "6000") {
			t.Errorf("%s: kept %v, problems %v, %v, want %q in line 2", line, kept, problems, err,
				words)
		}
	}
	writeLinks(t, h, "6000 = \"db@laptop\"\n127.0.0.1 = \n")
	if kept, _, err := Read(h); err == nil || !strings.HasPrefix(err.Error(), h.Links()+":2: ") {
		t.Errorf("kept %v, %v", kept, err)
	}
	if err := Keep(t.Context(), h, listenOf(t, "1"), addressOf(t, "db@laptop")); err == nil {
		t.Error("an unreadable file was overwritten")
	}
}

// Keep adds its line to any file that can be read, and loses no other.
func FuzzFile(f *testing.F) {
	f.Add("5432 = \"db@laptop\"\n\"run/db@laptop.sock\" = \"db@laptop\"\n")
	f.Add("\"/tmp/x\" = \"cell://laptop/db?key=abc\"\n[a]\nb = 1\n")
	h := hometest.New(f)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(h.Links(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before, _, err := Read(h)
		if err != nil {
			return
		}
		at := listenOf(t, "/tmp/fuzz")
		if err := Keep(t.Context(), h, at, addressOf(t, "db@laptop")); err != nil {
			t.Fatal(err)
		}
		after, _, err := Read(h)
		if err != nil {
			t.Fatal(err)
		}
		left := map[Listen]string{}
		for _, k := range after {
			left[k.Listen] = k.To.String()
		}
		if left[at] != "db@laptop" {
			t.Errorf("the kept line is missing: %v", after)
		}
		for _, k := range before {
			if k.Listen != at && left[k.Listen] != k.To.String() {
				t.Errorf("%v was lost from %v", k, before)
			}
		}
	})
}

func writeLinks(t testing.TB, h home.Home, text string) {
	t.Helper()
	err := os.WriteFile(h.Links()+"~", []byte(text), 0o600)
	if err == nil {
		err = os.Rename(h.Links()+"~", h.Links())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wantKept(t *testing.T, h home.Home, want ...string) {
	t.Helper()
	kept, problems, err := Read(h)
	got := map[string]bool{}
	for _, k := range kept {
		got[k.Listen.String()+" "+k.To.String()] = true
	}
	for _, line := range want {
		if !got[line] {
			t.Errorf("%q is not kept", line)
		}
	}
	if len(got) != len(want) || problems != nil || err != nil {
		t.Errorf("%v is kept, %v, %v", got, problems, err)
	}
}
