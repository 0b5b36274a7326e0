package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket"
)

// built runs a build that has to come to its end, and says what became of each cell.
func built(t *testing.T, c Config, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	results, err := Run(ctx, c, found(t, dir))
	check(t, err)
	var all []string
	for _, r := range results {
		switch {
		case r.Err != nil:
			all = append(all, r.Name.String()+" failed")
		case r.Changed:
			all = append(all, r.Name.String()+" changed")
		default:
			all = append(all, r.Name.String()+" as it was")
		}
	}
	return strings.Join(all, ", ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// A command runs when what it reads has changed, and its program is put in place when that has.
func TestOnlyWhatChanged(t *testing.T) {
	h := hometest.New(t)
	runs := filepath.Join(t.TempDir(), "runs")
	toml := `build = "echo >>` + runs + ` && cat main.sh ../../lib/tail >$CELL_OUT"` +
		"\ninputs = [\"../../lib\"]\n"
	dir := tree(t, map[string]string{
		"cells/lens/cell.toml": toml,
		"cells/lens/main.sh":   "#!/bin/sh\necho one\n",
		"lib/tail":             "# the end\n",
	})
	steps := []struct {
		what string
		do   func()
		want string
		runs int // so far
	}{
		{"the first time", func() {}, "lens changed", 1},
		{"nothing changed", func() {}, "lens as it was", 1},
		{"touched", func() {
			hometest.Write(t, dir+"/cells/lens/main.sh",
				"#!/bin/sh\necho one\n")
		}, "lens as it was", 1},
		{"another text", func() {
			hometest.Write(t, dir+"/cells/lens/main.sh",
				"#!/bin/sh\necho two\n")
		}, "lens changed", 2},
		{"another input", func() { hometest.Write(t, dir+"/lib/tail", "# fin\n") }, "lens changed",
			3},
		{"one more file", func() { hometest.Write(t, dir+"/cells/lens/more", "") },
			"lens as it was", 4},
		{"a file less", func() { check(t, os.Remove(dir+"/cells/lens/more")) }, "lens as it was",
			5},
		{"left by a build", func() { hometest.Write(t, dir+"/cells/lens/target/debug/x", "") },
			"lens as it was", 5},
		{"another command", func() {
			hometest.Write(t, dir+"/cells/lens/cell.toml",
				strings.Replace(toml, "&&", "; ", 1))
		}, "lens as it was", 6},
		{"other settings", func() {
			hometest.Write(t, dir+"/cells/lens/cell.toml",
				strings.Replace(toml, "&&", "; ", 1)+"mode = \"stdio\"\n")
		}, "lens changed", 7},
		{"dna removed", func() { check(t, os.Remove(h.DNADir()+"/lens")) }, "lens changed", 7},
		{"dna replaced", func() { hometest.Write(t, h.DNADir()+"/lens", "#!/bin/sh\necho mine\n") },
			"lens changed", 7},
		{"dna not executable", func() { check(t, os.Chmod(h.DNADir()+"/lens", 0o600)) },
			"lens changed", 7},
		{"settings removed", func() { check(t, os.Remove(h.DNADir()+"/lens.toml")) },
			"lens changed", 7},
		{"cache deleted", func() { check(t, os.RemoveAll(h.CacheDir()+"/build")) },
			"lens as it was", 8},
		{"cache damaged", func() { hometest.Write(t, h.CacheDir()+"/build/lens.toml", "!") },
			"lens as it was", 9},
		{"cached program gone", func() { check(t, os.Remove(h.CacheDir()+"/build/lens")) },
			"lens as it was", 10},
	}
	for _, step := range steps {
		step.do()
		expect(t, step.what, built(t, Config{Home: h}, dir), step.want)
		if got := strings.Count(read(t, runs), "\n"); got != step.runs {
			t.Fatalf("%s: the command has run %d times, want %d", step.what, got, step.runs)
		}
	}
	built(t, Config{Home: h, All: true}, dir)
	if got := strings.Count(read(t, runs), "\n"); got != 11 {
		t.Errorf("with All, the command has run %d times, want 11", got)
	}
	out, err := exec.Command(h.DNADir() + "/lens").Output()
	if string(out) != "two\n" || err != nil {
		t.Errorf("the program says %q, %v", out, err)
	}
	if text := read(t, h.DNADir()+"/lens.toml"); !strings.Contains(text, "mode = 'stdio'") ||
		strings.Contains(text, "build =") {
		t.Errorf("the settings are\n%s", text)
	}
}

// What git would not track is no input, wherever it lies.
func TestIgnoredFilesAreNoInputs(t *testing.T) {
	dir := tree(t, map[string]string{
		".gitignore":           "*.o\n",
		"cells/lens/cell.toml": "build = \"cp main.sh $CELL_OUT\"\n",
		"cells/lens/main.sh":   "#!/bin/sh\n",
	})
	git := exec.Command("git", "init", "-q")
	git.Dir = dir
	check(t, git.Run())
	sum := func() string {
		sum, err := inputs(t.Context(), found(t, dir)[0])
		check(t, err)
		return sum
	}
	before := sum()
	hometest.Write(t, dir+"/cells/lens/main.o", "machine code")
	if sum() != before {
		t.Error("an ignored file is an input")
	}
	hometest.Write(t, dir+"/cells/lens/new.sh", "")
	if sum() == before {
		t.Error("a file that is not ignored, and not yet tracked, is no input")
	}
	// git sees nothing of the cell: all of it counts
	hometest.Write(t, dir+"/.gitignore", "cells\n")
	before = sum()
	hometest.Write(t, dir+"/cells/lens/main.sh", "#!/bin/bash\n")
	if sum() == before {
		t.Error("a file of an ignored directory is no input")
	}
}

// One that fails keeps what it had, is told in its compiler's words, and keeps no other
// from being built.
func TestOneFails(t *testing.T) {
	h := hometest.New(t)
	hometest.Write(t, h.DNADir()+"/bad", "#!/bin/sh\n# of yesterday\n")
	dir := tree(t, map[string]string{
		"cells/bad/cell.toml": `build = "echo half >$CELL_OUT; echo lens.c:3: no such lens ` +
			`>&2; exit 3"`,
		"cells/good/cell.toml":   `build = "cp main.sh $CELL_OUT"`,
		"cells/good/main.sh":     "#!/bin/sh\n",
		"cells/silent/cell.toml": `build = "true"`,
		"cells/folder/cell.toml": `build = "mkdir $CELL_OUT"`,
		"cells/text/cell.toml":   `build = "echo just text >$CELL_OUT"`,
		"cells/broken/cell.toml": `build = "ln -s nowhere $CELL_OUT"`,
		"cells/loud/cell.toml":   `build = "yes | head -c 3000000; echo the end; false"`,
	})
	results, err := Run(t.Context(), Config{Home: h}, found(t, dir))
	check(t, err)
	for _, r := range results {
		want := map[string]string{
			"bad":    "sh -c: exit status 3\nlens.c:3: no such lens",
			"silent": "wrote nothing to the file $CELL_OUT: end it with cp",
			"folder": "is a directory, not a program",
			"text":   "is neither a program for this machine nor a script",
			"broken": "can't be run: ",
			"loud":   "\nthe end",
		}[r.Name.String()]
		switch {
		case want == "" && (r.Err != nil || !r.Changed):
			t.Errorf("%s: %v, changed %v", r.Name, r.Err, r.Changed)
		case want != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), want) ||
			len(r.Err.Error()) > 2*maxSaid || r.Changed):
			t.Errorf("%s: %v, changed %v\nwant %q", r.Name, r.Err, r.Changed, want)
		}
	}
	if text := read(t, h.DNADir()+"/bad"); !strings.Contains(text, "yesterday") {
		t.Errorf("what failed is now %q", text)
	}
	if left, _ := filepath.Glob(h.DNADir() + "/*"); len(left) != 2 {
		t.Errorf("in dna/ is %q", left)
	}
	hometest.Write(t, dir+"/cells/bad/cell.toml", `build = "cp ../good/main.sh $CELL_OUT"`)
	expect(t, "mended", built(t, Config{Home: h}, dir),
		"bad changed, broken failed, folder failed, good as it was, loud failed, silent failed, "+
			"text failed")
}

// Nothing is built, and nothing installed, as long as something is in the way.
func TestInTheWay(t *testing.T) {
	h := hometest.New(t)
	const own = "public = true\n"
	hometest.Write(t, h.DNADir()+"/lens.toml", own)
	dir := tree(t, map[string]string{
		"cells/good/cell.toml": `build = "cp cell.toml $CELL_OUT; touch ../../ran"`,
		"cells/lens/cell.toml": "build = \"true\"\nmode = \"stdio\"\n",
	})
	_, err := Run(t.Context(), Config{Home: h}, found(t, dir))
	if err == nil || !strings.Contains(err.Error(), `lens.toml was not written by "cell build"`) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("a command was run all the same")
	}
	expect(t, "what a person wrote", read(t, h.DNADir()+"/lens.toml"), own)
}

// Whoever looks sees the old program or the new one, and two builds at once are as good
// as one after the other.
func TestAtomic(t *testing.T) {
	h := hometest.New(t)
	long := strings.Repeat("# a long program\n", 50_000)
	text := func(i int) string { return fmt.Sprintf("#!/bin/sh\n# %d\n%s# %d\n", i, long, i) }
	dir := tree(t, map[string]string{
		"cells/lens/cell.toml": `build = "cp main.sh $CELL_OUT"`,
		"cells/lens/main.sh":   text(0),
	})
	built(t, Config{Home: h}, dir)
	stop := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			seen, err := os.ReadFile(h.DNADir() + "/lens")
			if err != nil || len(seen) < len(text(0)) ||
				string(seen[10:13]) != string(seen[len(seen)-4:len(seen)-1]) {
				t.Errorf("half a program: %d bytes, %v", len(seen), err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	var waited atomic.Int32
	for i := range 20 {
		hometest.Write(t, dir+"/cells/lens/main.sh", text(i%10))
		cells := found(t, dir)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if _, err := Run(t.Context(), Config{Home: h, Waits: func() { waited.Add(1) }},
					cells); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	close(stop)
	looking.Wait()
	if waited.Load() == 0 {
		t.Error("none of 40 builds had to wait")
	}
}

// Who holds the lock under which a cell is started finds a program and the settings that
// belong to it.
func TestStartsFindWhatBelongsTogether(t *testing.T) {
	h := hometest.New(t)
	cell := addresstest.Name("lens")
	dir := tree(t, map[string]string{})
	write := func(n int) {
		hometest.Write(t, dir+"/cells/lens/cell.toml",
			fmt.Sprintf("build = \"printf '#!/bin/sh %d' >$CELL_OUT\"\nargs = [\"%d\"]", n, n))
	}
	write(0)
	built(t, Config{Home: h}, dir)
	ctx, stop := context.WithCancel(t.Context())
	var starting sync.WaitGroup
	starting.Go(func() {
		for ctx.Err() == nil {
			lock, err := socket.WaitLock(ctx, h.Lock(cell))
			if err != nil {
				return
			}
			settings, err := dna.Read(h, cell)
			program, _ := os.ReadFile(h.DNA(cell))
			lock.Unlock()
			if want := "#!/bin/sh " + strings.Join(settings.Args, " "); err != nil ||
				string(program) != want {
				t.Errorf("the program is %q, and the settings are %+v, %v", program, settings, err)
				return
			}
		}
	})
	for n := range 20 {
		write(n % 2)
		built(t, Config{Home: h}, dir)
	}
	stop()
	starting.Wait()

	startPatience = 50 * time.Millisecond
	t.Cleanup(func() { startPatience = 5 * time.Second })
	lock, err := socket.TryLock(h.Lock(cell))
	check(t, err)
	defer lock.Unlock()
	write(2)
	expect(t, "while it is being started", built(t, Config{Home: h}, dir), "lens failed")
	expect(t, "as it was", read(t, h.DNA(cell)), "#!/bin/sh 1")
}

// A cell may change its language, or leave its name to one in another.
func TestLanguageChanges(t *testing.T) {
	h := hometest.New(t)
	t.Setenv("GOFLAGS", "")
	script := tree(t, map[string]string{"cells/lens/cell.toml": `build = "printf ` +
		`'#!/bin/sh\necho script >&2\n' >$CELL_OUT"`})
	program := tree(t, map[string]string{
		"go.mod":             "module mono\n\ngo 1.26\n",
		"cells/lens/main.go": "package main\n\nfunc main() { println(\"program\") }\n",
	})
	for _, step := range []struct{ dir, want string }{{script, "script"}, {program, "program"},
		{script, "script"}} {
		expect(t, step.want, built(t, Config{Home: h}, step.dir), "lens changed")
		if out, err := exec.Command(h.DNADir() +
			"/lens").CombinedOutput(); string(out) != step.want+"\n" || err != nil {
			t.Errorf("%s: it says %q, %v", step.want, out, err)
		}
	}
}

// A cell that takes the place of another one, from another tree, is told of; not so one
// that has moved.
func TestInstead(t *testing.T) {
	h := hometest.New(t)
	files := func(text string) map[string]string {
		return map[string]string{
			"cells/lens/cell.toml": `build = "cp main.sh $CELL_OUT"`,
			"cells/lens/main.sh":   "#!/bin/sh\n# " + text,
			"cells/eye/main.go":    "// " + text + "\n" + mainGo,
			"go.mod":               "module mono\n\ngo 1.26\n",
		}
	}
	t.Setenv("GOFLAGS", "")
	one, two, three := tree(t, files("one")), tree(t, files("two")), tree(t, files("three"))
	for _, step := range []struct{ dir, instead string }{{one, ""}, {one, ""}, {two, one},
		{one, two}, {three, ""}} {
		if step.dir == three {
			check(t, os.RemoveAll(one))
		}
		results, err := Run(t.Context(), Config{Home: h}, found(t, step.dir))
		check(t, err)
		for _, r := range results {
			want := ""
			if step.instead != "" {
				want = step.instead + "/cells/" + r.Name.String()
			}
			if r.Instead != want || r.Err != nil {
				t.Errorf("%s from %s: instead of %q, %v, want %q", r.Name, step.dir, r.Instead,
					r.Err, want)
			}
		}
	}
}

func TestForwarded(t *testing.T) {
	h := hometest.New(t)
	dir := tree(t, map[string]string{"cells/db/cell.toml": "forward = \"127.0.0.1:5432\"\n"})
	expect(t, "the first time", built(t, Config{Home: h}, dir), "db changed")
	expect(t, "the second", built(t, Config{Home: h}, dir), "db as it was")
	cells := dna.List(h)
	if len(cells) != 1 || cells[0].String() != "db" {
		t.Errorf("what could grow is %v", cells)
	}
}
