package testnet

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// The options that only a simulated node sets.
var (
	ownNode = []string{"Discovery", "Machine", "Options", "Resolver"}
	ownStem = []string{"Cells", "Door", "Places", "Policy", "Record"}
)

// The options that only "cell up" sets, and why.
var without = map[string]string{
	"Port":    "every machine has the default port to itself",
	"Cache":   "is a file",
	"Home":    "is on the disk; what it holds are the values of ownStem",
	"Ready":   "is for those who start a process",
	"Version": "is that of a program",
}

// A simulated stem gets the same options as that of "cell up": an option that is added to one
// must be considered for the other.
func TestSameAsUp(t *testing.T) {
	for what, own := range map[string][]string{"node": ownNode, "stem": ownStem} {
		up, here := fields(t, "../cmd/cell/up.go", what), fields(t, "instance.go", what)
		for _, field := range up {
			_, left := without[field]
			if got := slices.Contains(here, field); got == left {
				t.Errorf("%s.Config.%s is set by cell up; set here: %v, left out: %v", what, field, got,
					left)
			}
		}
		for _, field := range here {
			if slices.Contains(up, field) == slices.Contains(own, field) {
				t.Errorf("%s.Config.%s is set here; by cell up: %v, only here: %v",
					what, field, slices.Contains(up, field), slices.Contains(own, field))
			}
		}
	}
}

// fields returns the fields of a package's Config, and of the structs in it, that a file sets.
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
		names = append(names, keys(lit, pkg)...)
		return true
	})
	if len(names) < 5 {
		t.Fatalf("%s sets %v of %s.Config", path, names, pkg)
	}
	return names
}

// keys returns the keys of a struct, with those of the package's structs in it in their place.
func keys(lit *ast.CompositeLit, pkg string) (names []string) {
	for _, e := range lit.Elts {
		field := e.(*ast.KeyValueExpr)
		if inner, ok := field.Value.(*ast.CompositeLit); ok {
			if of, ok := inner.Type.(*ast.SelectorExpr); ok && of.X.(*ast.Ident).Name == pkg {
				names = append(names, keys(inner, pkg)...)
				continue
			}
		}
		names = append(names, field.Key.(*ast.Ident).Name)
	}
	return names
}
