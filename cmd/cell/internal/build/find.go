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

// Cell is a directory that dna is made of.
type Cell struct {
	Name address.Name
	// Dir is its whole path.
	Dir string

	kind   kind
	source dna.Source
}

// kind is how a cell comes to be.
type kind int

const (
	none      kind = iota
	goProgram      // go build
	command        // its build command
	settings       // it needs no program
)

// What Find's error wraps where there is no such directory, or no directory cells/ in it.
var (
	ErrNoDir   = errors.New("no such directory")
	ErrNoCells = errors.New("there is no directory cells/")
)

// Find returns the cells of a monorepo, in order of their names. A directory of cells/
// that is none, having neither a Go program nor a cell.toml, is passed over. All that is
// wrong is in the error, by file and line, with the remedy.
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

// hidden names the directories that the tools of Go pass over, too.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" ||
		name == "vendor"
}

// at looks at one directory.
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
		return cell, fmt.Errorf(`%s: there is no Go program beside it, and nothing says how to build one: add build = "cp main.sh $CELL_OUT", for one`, file)
	default:
		return cell, nil
	}
	cell.Name, err = address.ParseName(filepath.Base(dir))
	if err == nil && cell.Name.Reserved() {
		err = errors.New("names that begin with \"stem.\" are the stem's own")
	}
	if err != nil {
		return cell, fmt.Errorf("%s: %w: rename the directory", dir, err)
	}
	return cell, nil
}

// isProgram says whether go build makes a program of the directory. One whose Go files it
// can't understand is taken for one, so that it is go build that explains.
func isProgram(dir string) bool {
	pkg, err := gobuild.Default.ImportDir(dir, 0)
	var noGo *gobuild.NoGoError
	if errors.As(err, &noGo) {
		return false
	}
	// and not its tests alone
	return err != nil || pkg.IsCommand() && len(pkg.GoFiles)+len(pkg.CgoFiles) > 0
}
