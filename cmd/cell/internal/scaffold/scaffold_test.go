package scaffold

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
	"github.com/cell-mesh/cell/cmd/cell/internal/origin/origintest"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Once there is a release, a new module requires it, and builds.
func TestRelease(t *testing.T) {
	const version = "v0.1.0"
	origintest.Release(t, version)
	dir := t.TempDir()
	done, err := inModule(t.Context(), dir, origin.Origin{Version: version})
	if err != nil || done != "created go.mod; go.mod requires "+origin.Module+"@"+version {
		t.Fatalf("%q, %v", done, err)
	}
	files, err := langs[0].files(addresstest.Name("shout"))
	check(t, err)
	for file, text := range files {
		check(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	}
	vet := exec.Command("go", "vet", ".")
	vet.Dir = dir
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || strings.Contains(string(text), "replace") ||
		!strings.Contains(string(text), origin.Module+" "+version) {
		t.Errorf("go.mod is %v\n%s", err, text)
	}
}

// From a checkout, a new module builds where no proxy answers.
func TestCheckout(t *testing.T) {
	t.Setenv("GOPROXY", "http://127.0.0.1:1")
	t.Setenv("GOFLAGS", "")
	root, err := filepath.Abs("../../../..")
	check(t, err)
	dir := t.TempDir()
	if done, err := inModule(t.Context(), dir, origin.Origin{Dir: root}); err != nil ||
		done != "created go.mod; go.mod uses cell from "+root {
		t.Fatalf("%q, %v", done, err)
	}
	files, err := langs[0].files(addresstest.Name("shout"))
	check(t, err)
	for file, text := range files {
		check(t, os.WriteFile(filepath.Join(dir, file), text, 0o600))
	}
	vet := exec.Command("go", "vet", ".")
	vet.Dir = dir
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What can't be done is undone: in the module that the directory is in, and beside it.
func TestUndone(t *testing.T) {
	root := t.TempDir()
	const goMod = "module old\n\ngo 1.21\n"
	check(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte(goMod), 0o600))
	dir := filepath.Join(root, "sub")
	check(t, os.Mkdir(dir, 0o700))
	_, err := inModule(t.Context(), dir, origin.Origin{Dir: filepath.Join(root, "nowhere")})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("from nowhere: %v", err)
	}
	if _, err := inModule(t.Context(), dir, origin.Origin{}); err == nil ||
		!strings.Contains(err.Error(), `run "go get `+origin.Module) {
		t.Errorf("from no source: %v", err)
	}
	if text, _ := os.ReadFile(filepath.Join(root, "go.mod")); string(text) != goMod {
		t.Errorf("go.mod is now\n%s", text)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, dir, addresstest.Name("shout"), langs[0]); err == nil {
		t.Error("interrupted: no error")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A file in the way is in the way, too.
func TestExists(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "cells"), 0o700))
	check(t, os.Symlink("nowhere", filepath.Join(dir, "cells", "shout")))
	if _, err := New(t.Context(), dir, addresstest.Name("shout"), langs[2]); !errors.Is(err,
		ErrExists) {
		t.Errorf("got %v", err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
