// Package origintest makes a release of this checkout, for tests.
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

// Release has the go command find this checkout as a version of its module, in a module
// proxy made of files, and all else in the module cache as it is; nothing is asked of the
// network. What it fetches goes into a cache of the test.
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
