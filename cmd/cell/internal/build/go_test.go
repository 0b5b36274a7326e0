package build

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Go programs are built by go, side by side, from a module of their own or a common one.
func TestGoPrograms(t *testing.T) {
	h := hometest.New(t)
	says := func(text string) string {
		return "package main\n\nfunc main() { println(\"" + text + "\") }\n"
	}
	dir := tree(t, map[string]string{
		"go.mod":            "module mono\n\ngo 1.26\n",
		"cells/one/main.go": says("one"),
		"cells/two/main.go": says("two"),
		"cells/own/main.go": says("own"),
		"cells/own/go.mod":  "module own\n\ngo 1.26\n",
		"cells/bad/main.go": "package main\n\nfunc main() { focus() }\n",
	})
	t.Setenv("GOFLAGS", "")
	expect(t, "the first time", built(t, Config{Home: h}, dir),
		"bad failed, one changed, own changed, two changed")
	for _, name := range []string{"one", "two", "own"} {
		if out, err := exec.Command(h.DNADir() + "/" +
			name).CombinedOutput(); string(out) != name+"\n" || err != nil {
			t.Errorf("%s says %q, %v", name, out, err)
		}
	}
	hometest.Write(t, dir+"/cells/one/main.go", says("uno"))
	results, err := Run(t.Context(), Config{Home: h}, found(t, dir))
	check(t, err)
	if len(results) != 4 || !results[1].Changed || results[2].Changed || results[3].Changed {
		t.Errorf("one of them edited: %+v", results)
	}
	if err := results[0].Err; err == nil || !strings.Contains(err.Error(),
		"main.go:3:15: undefined: focus") {
		t.Errorf("bad: %v", err)
	}
}

// What is made may be a link to a program that stays where it is. Once it is a Go
// program, nothing is written there.
func TestLinked(t *testing.T) {
	h := hometest.New(t)
	const script = "#!/bin/sh\n"
	dir := tree(t, map[string]string{
		"cells/lens/cell.toml": `build = 'ln -s "$PWD/main.sh" "$CELL_OUT"'`,
		"cells/lens/main.sh":   script,
		"cells/lens/go.mod":    "module lens\n\ngo 1.26\n",
		"cells/lens/main.go":   mainGo,
	})
	check(t, os.Chmod(dir+"/cells/lens/main.sh", 0o700))
	expect(t, "the first time", built(t, Config{Home: h}, dir), "lens changed")
	expect(t, "the second", built(t, Config{Home: h}, dir), "lens as it was")
	if to, err := os.Readlink(h.DNADir() + "/lens"); to != dir+"/cells/lens/main.sh" {
		t.Errorf("it links to %s, %v", to, err)
	}
	t.Setenv("GOFLAGS", "")
	check(t, os.Remove(dir+"/cells/lens/cell.toml"))
	expect(t, "a Go program now", built(t, Config{Home: h}, dir), "lens changed")
	expect(t, "the script", read(t, dir+"/cells/lens/main.sh"), script)
	if info, err := os.Lstat(h.DNADir() + "/lens"); err != nil || !info.Mode().IsRegular() {
		t.Errorf("dna is %v, %v", info, err)
	}
	hometest.Write(t, dir+"/cells/lens/cell.toml", `build = 'mkdir "$CELL_OUT"'`)
	expect(t, "a directory", built(t, Config{Home: h}, dir), "lens failed")
	check(t, os.Remove(dir+"/cells/lens/cell.toml"))
	expect(t, "a Go program again", built(t, Config{Home: h}, dir), "lens as it was")
}
