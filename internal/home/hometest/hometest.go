// Package hometest makes homes for tests.
package hometest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/home"
)

// Dir creates a directory for the duration of the test. Unlike that of t.TempDir, its path
// is always short enough for a socket.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// New makes a home in such a directory.
func New(t testing.TB) home.Home {
	t.Helper()
	h, err := home.At(Dir(t))
	if err == nil {
		err = h.Make()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Write makes a file with the mode 0600, and the folders above it.
func Write(t testing.TB, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
