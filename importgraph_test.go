package cell_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/cell-mesh/cell"

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// list returns every package of the module and all that they import, by import path.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := goList()
	if err != nil {
		t.Fatal(err)
	}
	graph := map[string]pkg{}
	for in := json.NewDecoder(strings.NewReader(out)); ; {
		var p pkg
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatal(err)
		}
		graph[p.ImportPath] = p
	}
}

var goList = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Standard",
		"./...").Output()
	return string(out), err
})

// reaches returns the trail of imports from a package to one that the words cover, or nil.
func reaches(graph map[string]pkg, from, words string, seen map[string]bool) []string {
	for _, path := range graph[from].Imports {
		if seen[path] || graph[path].Standard {
			continue
		}
		seen[path] = true
		if covers(words, path) {
			return []string{from, path}
		}
		if trail := reaches(graph, path, words, seen); trail != nil {
			return slices.Insert(trail, 0, from)
		}
	}
	return nil
}

// covers says whether one of the words stands for the package. A word for packages of others
// stands for none of ours, though they share a host.
func covers(words, path string) bool {
	return slices.ContainsFunc(strings.Fields(words), func(word string) bool {
		word = full(word)
		return under(path, word) && under(path, module) == under(word, module)
	})
}

// full completes a path of this module.
func full(word string) string {
	first, _, _ := strings.Cut(word, "/")
	switch {
	case word == ".":
		return module
	case strings.Contains(first, "."):
		return word
	}
	return module + "/" + word
}

func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// isTestHelper says whether only tests import the package, as that of a name like hometest.
func isTestHelper(path string) bool { return strings.HasSuffix(path, "test") }
