// Package origin finds the source that this program was built from. "cell new" and "cell
// demo" build with the same version.
package origin

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// Module is the module of this program.
const Module = "github.com/cell-mesh/cell"

// Origin is where the source is: Dir or Version is set.
type Origin struct {
	// Dir is a checkout on this machine.
	Dir string
	// Version is a version of the module that can be downloaded.
	Version string
}

func (o Origin) String() string {
	if o.Dir != "" {
		return o.Dir
	}
	return Module + "@" + o.Version
}

// Find returns the source of this program. ok is false if it is unknown or gone.
func Find() (o Origin, ok bool) {
	info, known := debug.ReadBuildInfo()
	known = known && info.Main.Path == Module
	if known && info.Main.Sum != "" { // built by "go install MODULE@VERSION"
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

// IsCheckout reports whether a directory is the root of a checkout of the module.
func IsCheckout(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && filepath.IsAbs(dir) && bytes.HasPrefix(text, []byte("module "+Module+"\n"))
}

// isRelease tells a tagged version from a pseudo-version or a build with local changes.
func isRelease(version string) bool {
	return strings.HasPrefix(version, "v") && !strings.ContainsAny(version, "-+")
}
