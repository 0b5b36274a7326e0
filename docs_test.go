package cell_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Documents name files and packages of this repository: in backquotes, and Go files also in
// drawings. They must exist, so that whoever moves one corrects the documents as well. The
// README is left out: it names files that its reader is to make.
func TestDocumentsNameWhatExists(t *testing.T) {
	const path = `(?:cells|cmd|discovery|docs|internal|node|sdk|stem|synapse|testnet)/[a-z0-9_./-]+`
	named := regexp.MustCompile("`" + path + "`|\\b" + path + `\.go\b`)
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, "CONTRIBUTING.md", "SECURITY.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range named.FindAllString(string(text), -1) {
			name = strings.Trim(name, "`")
			if _, err := os.Stat(filepath.FromSlash(name)); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s names %s, which does not exist", document, name)
			}
		}
	}
}
