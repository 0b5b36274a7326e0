// Package scaffold creates the first files of a cell: a working program, its test, and what
// is needed to build it.
//
//	lang, err := scaffold.ParseLang("go")
//	made, err := scaffold.New(ctx, ".", name, lang)
package scaffold

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/sdk"
)

// Lang is the language of a cell.
type Lang struct {
	// Name is the value of --lang.
	Name string
	// Test is the command that runs the test, in the cell's directory.
	Test string
	// sdk are the files that are the same for every cell.
	sdk map[string][]byte
}

var langs = []Lang{
	{"go", "go test", nil},
	{"python", "python3 -m unittest", map[string][]byte{"cell.py": sdk.Python}},
	{"sh", "sh test.sh", map[string][]byte{"cell.sh": sdk.Sh}},
}

// ParseLang returns the language with a name.
func ParseLang(name string) (Lang, error) {
	var names []string
	for _, lang := range langs {
		if lang.Name == name {
			return lang, nil
		}
		names = append(names, lang.Name)
	}
	return Lang{}, fmt.Errorf("unknown language %q: choose one of %s", name,
		strings.Join(names, ", "))
}

// Made is what New created.
type Made struct {
	// Dir is the directory of the cell. Files are the names of the files in it.
	Dir   string
	Files []string
	// Module says how the Go module of the cell was changed; empty if it was not.
	Module string
}

// ErrExists is the error of New if the cell's directory exists.
var ErrExists = errors.New("already exists")

// New creates cells/NAME in dir. For a Go program, it makes dir a module if it is not in one,
// and adds this module to its requirements. If New fails, nothing has changed.
func New(ctx context.Context, dir string, name address.Name, lang Lang) (made Made, err error) {
	made.Dir = filepath.Join(dir, "cells", name.String())
	if _, err := os.Lstat(made.Dir); err == nil {
		return made, fmt.Errorf("%s: %w", made.Dir, ErrExists)
	}
	files, err := lang.files(name)
	if err != nil {
		return made, err
	}
	parent := filepath.Dir(made.Dir)
	newParent := os.Mkdir(parent, 0o777) == nil
	defer func() {
		if err != nil && newParent {
			os.Remove(parent)
		}
	}()
	draft := filepath.Join(parent, fmt.Sprintf(".new-%d", os.Getpid()))
	if err := os.Mkdir(draft, 0o777); err != nil {
		return made, err
	}
	defer os.RemoveAll(draft)
	for file, text := range files {
		made.Files = append(made.Files, file)
		if err := os.WriteFile(filepath.Join(draft, file), text, 0o666); err != nil {
			return made, err
		}
	}
	slices.Sort(made.Files)
	if lang.Name == "go" {
		from, _ := origin.Find()
		if made.Module, err = inModule(ctx, dir, from); err != nil {
			return made, err
		}
	}
	return made, os.Rename(draft, made.Dir)
}

//go:embed templates
var templates embed.FS

// files returns the content of each file of a new cell.
func (l Lang) files(name address.Name) (map[string][]byte, error) {
	all, err := template.ParseFS(templates, "templates/"+l.Name+"/*.tmpl")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, one := range all.Templates() {
		var text bytes.Buffer
		if err := one.Execute(&text, name); err != nil {
			return nil, err
		}
		files[strings.TrimSuffix(one.Name(), ".tmpl")] = text.Bytes()
	}
	for file, text := range l.sdk {
		files[file] = text
	}
	return files, nil
}
