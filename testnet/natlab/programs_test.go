//go:build linux

package natlab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs is the directory of the stem's program, a cell, and a server of the public
// mesh, built from this repository when a test first needs them.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "natlab")
	if err != nil {
		return "", err
	}
	removePrograms = func() { os.RemoveAll(dir) }
	build := exec.Command("go", "build", "-o", dir+"/", module+"/cmd/cell", module+"/cells/echo",
		module+"/testnet/stock")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return dir, nil
})

const module = "github.com/cell-mesh/cell"

// removePrograms is called when all tests have ended.
var removePrograms = func() {}

// program is the path of one of them.
func program(t testing.TB, name string) string {
	t.Helper()
	dir, err := programs()
	check(t, err)
	return filepath.Join(dir, name)
}
