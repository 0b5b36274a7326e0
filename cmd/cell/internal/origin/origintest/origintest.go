// Package origintest releases this checkout as a module version, for tests.
package origintest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
)

// Release makes this checkout available to the go command as a version of its module. It
// sets up a file-based module proxy for it; other modules come from the module cache, and
// nothing from the network. Downloads go into a module cache of the test.
func Release(t *testing.T, version string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "../../../../..")
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	check(t, err)
	proxy := t.TempDir()
	at := filepath.Join(proxy, origin.Module, "@v")
	check(t, os.MkdirAll(at, 0o700))
	check(t, os.WriteFile(filepath.Join(at, version+".info"), []byte(`{"Version":"`+version+`"}`),
		0o600))
	check(t, os.WriteFile(filepath.Join(at, version+".mod"), goMod, 0o600))
	archive, err := os.Create(filepath.Join(at, version+".zip"))
	check(t, err)
	check(t, zip.CreateFromDir(archive, module.Version{Path: origin.Module, Version: version},
		root))
	check(t, archive.Close())

	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	check(t, err)
	t.Setenv("GOPROXY", "file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(cache)),
		"cache", "download"))
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOFLAGS", "-modcacherw") // so that the test can remove it
	t.Setenv("GOMODCACHE", t.TempDir())
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
