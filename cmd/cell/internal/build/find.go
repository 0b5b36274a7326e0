package build

import (
	"errors"
	"fmt"
	gobuild "go/build"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
)

// Cell is a directory to build.
type Cell struct {
	Name address.Name
	// Dir is its absolute path.
	Dir string

	kind   kind
	source dna.Source
}

// kind is how a cell is built.
type kind int

const (
	none      kind = iota
	goProgram      // go build
	command        // its build command
	settings       // it needs no program
)

// Errors of Find for a missing directory, or one without cells/ in it.
var (
	ErrNoDir   = errors.New("no such directory")
	ErrNoCells = errors.New("there is no directory cells/")
)

// Find returns the cells of a monorepo, sorted by name. It skips directories with neither a
// Go program nor a cell.toml. The error lists all problems, by file and line, with remedies.
func Find(dir string) ([]Cell, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, "cells"))
	if _, missing := os.Stat(dir); errors.Is(missing, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoDir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w in %s", ErrNoCells, dir)
	}
	if err != nil {
		return nil, err
	}
	var cells []Cell
	var problems []error
	for _, entry := range entries {
		path := filepath.Join(dir, "cells", entry.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() || hidden(entry.Name()) {
			continue
		}
		cell, err := at(path)
		if err != nil {
			problems = append(problems, err)
		} else if cell.kind != none {
			cells = append(cells, cell)
		}
	}
	return cells, errors.Join(problems...)
}

// hidden reports whether the go command skips a directory, too.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" ||
		name == "vendor"
}

// at examines one directory.
func at(dir string) (cell Cell, err error) {
	cell.Dir = dir
	file := filepath.Join(dir, "cell.toml")
	if cell.source, err = dna.ReadSource(file); err != nil {
		return cell, err
	}
	switch _, err := os.Stat(file); {
	case cell.source.Build != "":
		cell.kind = command
	case cell.source.Forwards():
		cell.kind = settings
	case isProgram(dir):
		cell.kind = goProgram
	case err == nil:
		return cell, fmt.Errorf("%s: no Go program and no build command: add a command, such as "+
			`build = "cp main.sh $CELL_OUT"`, file)
	default:
		return cell, nil
	}
	cell.Name, err = address.ParseName(filepath.Base(dir))
	if err == nil && cell.Name.Reserved() {
		err = errors.New("names that begin with \"stem.\" are reserved for the stem")
	}
	if err != nil {
		return cell, fmt.Errorf("%s: %w: rename the directory", dir, err)
	}
	return cell, nil
}

// isProgram reports whether the directory is a Go program. It says yes if the Go files can't
// be parsed, so that go build explains the error.
func isProgram(dir string) bool {
	pkg, err := gobuild.Default.ImportDir(dir, 0)
	var noGo *gobuild.NoGoError
	if errors.As(err, &noGo) {
		return false
	}
	// tests alone are not a program
	return err != nil || pkg.IsCommand() && len(pkg.GoFiles)+len(pkg.CgoFiles) > 0
}
