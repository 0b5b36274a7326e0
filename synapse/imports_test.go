package synapse

import (
	"os/exec"
	"strings"
	"testing"
)

// People link the SDK into programs of their own: it brings the standard library and a
// few small packages of this module, and with them no version that could clash with
// theirs.
func TestImportsTheStandardLibraryAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f",
		"{{if not .Standard}}{{.ImportPath}}{{end}}", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		ours := strings.HasPrefix(dep, "github.com/cell-mesh/cell/internal/") ||
			dep == "github.com/cell-mesh/cell/synapse"
		if !ours {
			t.Errorf("synapse imports %s", dep)
		}
	}
}
