// Package scaffold makes the first files of a cell: a program that answers, its test, and
// what it takes to build it.
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

// Lang is the language that a cell is written in.
type Lang struct {
	// Name is what it is called.
	Name string
	// Test is how its tests are run, in the directory of the cell.
	Test string
	// besides are files that are the same for every cell.
	besides map[string][]byte
}

// langs are those that there are.
var langs = []Lang{
	{"go", "go test", nil},
	{"python", "python3 -m unittest", map[string][]byte{"cell.py": sdk.Python}},
	{"sh", "sh test.sh", map[string][]byte{"cell.sh": sdk.Sh}},
}

// ParseLang finds a language by its name.
func ParseLang(name string) (Lang, error) {
	var names []string
	for _, lang := range langs {
		if lang.Name == name {
			return lang, nil
		}
		names = append(names, lang.Name)
	}
	return Lang{}, fmt.Errorf("there is no cell in %q to begin with, only in %s", name,
		strings.Join(names, ", "))
}

// Made is what New has made.
type Made struct {
	// Dir is the directory of the cell, and Files are in it.
	Dir   string
	Files []string
	// Module is what became of the Go module that the cell is in; empty if it was fine as it was.
	Module string
}

// ErrExists is what New fails with where there is something by the name of the cell.
var ErrExists = errors.New("it is there already")

// New makes cells/NAME below dir. For a Go program, it makes dir a module if it is in
// none, and has the module require this one. If it fails, everything is as it was.
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

// files returns the text of each file of a new cell.
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
	for file, text := range l.besides {
		files[file] = text
	}
	return files, nil
}
