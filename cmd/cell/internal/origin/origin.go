// Package origin tells where the source of this program is: what it builds for others is
// built from the same.
package origin

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// Module is the module that this program is of.
const Module = "github.com/cell-mesh/cell"

// Origin is a source: one of the two.
type Origin struct {
	// Dir is a checkout on this machine.
	Dir string
	// Version is one of the module's that can be fetched.
	Version string
}

func (o Origin) String() string {
	if o.Dir != "" {
		return o.Dir
	}
	return Module + "@" + o.Version
}

// Find returns what this program was built from; ok is false if that is not there any
// more, or not known.
func Find() (o Origin, ok bool) {
	info, known := debug.ReadBuildInfo()
	known = known && info.Main.Path == Module
	if known && info.Main.Sum != "" { // the go command has fetched it
		return Origin{Version: info.Main.Version}, true
	}
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Join(filepath.Dir(file), "../../../.."); IsCheckout(dir) {
			return Origin{Dir: dir}, true
		}
	}
	if known && isRelease(info.Main.Version) {
		return Origin{Version: info.Main.Version}, true
	}
	return Origin{}, false
}

// IsCheckout says whether a directory is the root of a checkout of the module.
func IsCheckout(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && filepath.IsAbs(dir) && bytes.HasPrefix(text, []byte("module "+Module+"\n"))
}

// isRelease tells a tagged version from one that go has made up for a commit or for
// changes that have none.
func isRelease(version string) bool {
	return strings.HasPrefix(version, "v") && !strings.ContainsAny(version, "-+")
}
