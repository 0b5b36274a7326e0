package demo

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
	"github.com/cell-mesh/cell/cmd/cell/internal/origin/origintest"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One who has a release, and no checkout, has the example cells from the release.
func TestBuildRelease(t *testing.T) {
	const version = "v0.1.0"
	origintest.Release(t, version)
	source, err := download(t.Context(), origin.Origin{Version: version})
	if err != nil || !strings.HasPrefix(source, os.Getenv("GOMODCACHE")) {
		t.Fatalf("%q, %v", source, err)
	}
	h := hometest.New(t)
	if err := buildAll(t.Context(), h, source); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, cell := range dna.List(h) {
		names = append(names, cell.String())
	}
	if got := strings.Join(names, " "); got != "brain echo edge_detector retina" {
		t.Errorf("it built %s", got)
	}
	_, err = download(t.Context(), origin.Origin{Version: "v0.9.9"})
	if err == nil || !strings.Contains(err.Error(), "v0.9.9") {
		t.Errorf("a version that is not there: %v", err)
	}
}
