package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const mainGo = "package main\n\nfunc main() {}\n"

func TestFind(t *testing.T) {
	dir := tree(t, map[string]string{
		"cells/retina/main.go":          mainGo,
		"cells/retina/cell.toml":        "public = true\n",
		"cells/lens/cell.toml":          "build = \"make\"\n",
		"cells/db/cell.toml":            "forward = \"127.0.0.1:5432\"\n",
		"cells/odd/main.go":             "package\n", // go build says what is wrong with it
		"cells/internal/cell/cell.go":   "package cell\n",
		"cells/lib/lib.go":              "package lib\n",
		"cells/tested/lib_test.go":      "package main\n",
		"cells/elsewhere/main_plan9.go": mainGo,
		"cells/empty/README":            "",
		"cells/testdata/main.go":        mainGo,
		"cells/.hidden/main.go":         mainGo,
		"cells/_off/main.go":            mainGo,
		"cells/picture.go":              "package cells\n",
		"away/main.go":                  mainGo,
	})
	check(t, os.Symlink("../away", filepath.Join(dir, "cells", "linked")))
	check(t, os.Symlink("nowhere", filepath.Join(dir, "cells", "dangling")))
	var got []string
	for _, cell := range found(t, dir) {
		got = append(got, fmt.Sprintf("%s:%d", cell.Name, cell.kind))
		if !filepath.IsAbs(cell.Dir) || filepath.Base(cell.Dir) != cell.Name.String() {
			t.Errorf("%s is in %s", cell.Name, cell.Dir)
		}
	}
	want := fmt.Sprintf("db:%d lens:%d linked:%d odd:%d retina:%d", settings, command, goProgram,
		goProgram, goProgram)
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// All that is wrong is told at once, each with its place and the remedy.
func TestFindRefuses(t *testing.T) {
	dir := tree(t, map[string]string{
		"cells/Retina/main.go":        mainGo,
		"cells/stem.list/main.go":     mainGo,
		"cells/x.sock/cell.toml":      "build = \"make\"\n",
		"cells/lens/cell.toml":        "build = \"make\"\nmod = \"stdio\"\n",
		"cells/mute/cell.toml":        "public = true\n",
		"cells/fine/main.go":          mainGo,
		"cells/Not A Cell/notes.text": "",
	})
	_, err := Find(dir)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`cells/Retina: cell name "Retina" does not begin with one of a-z, 0-9: rename the ` +
			`directory`,
		`cells/stem.list: names that begin with "stem." are reserved for the stem: `,
		`cells/x.sock: cell name "x.sock" ends in .sock`,
		`cells/lens/cell.toml:2: unknown key "mod": remove it, or correct its name`,
		`cells/mute/cell.toml: no Go program and no build command: add a command, such as build = `,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 5 {
		t.Errorf("%d lines:\n%v", lines, err)
	}
	if _, err := Find(t.TempDir()); !errors.Is(err, ErrNoCells) {
		t.Errorf("no cells/: %v", err)
	}
}
