package testnet

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// What a node is made of here and nowhere else: the machine, and what looks on.
var (
	ownNode = []string{"Looked", "Machine", "Options", "Resolver", "Unpublished"}
	ownStem = []string{"Cells", "Door", "Places", "Policy", "Record"}
)

// What `cell up` gives its stem, and a simulated one does without.
var without = map[string]string{
	"Port":    "every machine has the default port to itself",
	"Cache":   "is a file",
	"Home":    "is on the disk; what it holds are the values of ownStem",
	"Ready":   "is for those who start a process",
	"Version": "is that of a program",
}

// A simulated stem is made by the same constructors as that of `cell up`, of the same
// things: whoever gives one of the two more has to think of the other.
func TestSameAsUp(t *testing.T) {
	for what, own := range map[string][]string{"node": ownNode, "stem": ownStem} {
		up, here := fields(t, "../cmd/cell/up.go", what), fields(t, "instance.go", what)
		for _, field := range up {
			_, left := without[field]
			if got := slices.Contains(here, field); got == left {
				t.Errorf("%s.Config.%s is set by cell up; here: %v, and among what we do without: %v", what, field, got, left)
			}
		}
		for _, field := range here {
			if slices.Contains(up, field) == slices.Contains(own, field) {
				t.Errorf("%s.Config.%s is set here; by cell up: %v, and among what is our own: %v",
					what, field, slices.Contains(up, field), slices.Contains(own, field))
			}
		}
	}
}

// fields are those that a file sets of a package's Config.
func fields(t *testing.T, path, pkg string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	check(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		config, ok := lit.Type.(*ast.SelectorExpr)
		if !ok || config.Sel.Name != "Config" {
			return true
		}
		if from, ok := config.X.(*ast.Ident); !ok || from.Name != pkg {
			return true
		}
		for _, e := range lit.Elts {
			names = append(names, e.(*ast.KeyValueExpr).Key.(*ast.Ident).Name)
		}
		return true
	})
	if len(names) < 5 {
		t.Fatalf("%s sets %v of %s.Config", path, names, pkg)
	}
	return names
}
