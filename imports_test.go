package cell_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/cell-mesh/cell"

// Who may import what. Imports point one way, so that a reader can follow a call without
// looking back, and a part can be replaced without the others noticing.
var boundaries = []struct {
	pkg     string
	mayNot  []string // prefixes of import paths
	because string
}{
	{"./synapse", []string{"github.com/libp2p", "github.com/multiformats", "github.com/pelletier",
		"golang.org", "github.com/cell-mesh/cell/stem", "github.com/cell-mesh/cell/node"},
		"people link the SDK into their programs: it is the standard library and a few small packages of ours"},
	{"./stem", []string{"github.com/libp2p", "github.com/multiformats", "github.com/quic-go",
		module + "/node", module + "/discovery", module + "/synapse"},
		"the stem takes its network as a value, so that a simulation can bring its own"},
	{"./node", []string{module + "/stem", module + "/synapse"},
		"the network carries calls and does not know what they are"},
	{"./discovery", []string{module + "/node", module + "/stem", module + "/synapse"},
		"finding a peer is a step of dialling it, and not the other way round"},
	{"./stem", []string{module + "/testnet"},
		"a stem does not know whether its machine is a simulated one"},
	{"./node", []string{module + "/testnet"}, "nor does the network"},
	{"./internal/...", []string{module + "/node", module + "/discovery", module + "/stem",
		module + "/synapse", "github.com/libp2p"},
		"what is shared stands below all that shares it"},
	{"./cells/...", []string{"github.com/libp2p", module + "/node", module + "/stem"},
		"the example cells are what anyone could write with the SDK"},
}

func TestImports(t *testing.T) {
	for _, b := range boundaries {
		out, err := exec.Command("go", "list", "-deps", b.pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", b.pkg, err)
		}
		for _, dep := range strings.Fields(string(out)) {
			for _, prefix := range b.mayNot {
				if dep == prefix || strings.HasPrefix(dep, prefix+"/") {
					t.Errorf("%s imports %s: %s", b.pkg, dep, b.because)
				}
			}
		}
	}
}

// libp2p stays behind node and discovery.
func TestLibp2pHasOneDoor(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Imports}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(line, " ")
		inside := strings.HasPrefix(pkg, module+"/node") ||
			strings.HasPrefix(pkg, module+"/discovery") || strings.HasPrefix(pkg, module+"/testnet")
		if strings.Contains(imports, "github.com/libp2p/") && !inside {
			t.Errorf("%s imports libp2p: only node, discovery and testnet may", pkg)
		}
	}
}
