package build

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// madeHome is a home with a path that is short enough.
func madeHome(t *testing.T) home.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := home.At(dir)
	check(t, err)
	check(t, h.Make())
	return h
}

// tree is a directory with these files; a nil map makes an empty one.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		write(t, filepath.Join(dir, path), text)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(t, os.WriteFile(path, []byte(text), 0o600))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	check(t, err)
	return string(text)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// found is Find where nothing is wrong.
func found(t *testing.T, dir string) []Cell {
	t.Helper()
	cells, err := Find(dir)
	check(t, err)
	return cells
}
