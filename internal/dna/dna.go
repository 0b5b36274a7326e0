// Package dna reads and writes the folder dna/: executables that can be started as cells, each
// with an optional text file that says how, and who may reach the cell.
//
//	# dna/retina.toml
//	mode = "stdio"            # how calls reach the program: see Mode
//	args = ["--fast"]         # arguments after the program's name
//	env = { LANG = "C" }      # added to the stem's environment
//	dir = "/srv/retina"       # working directory; by default the home
//	idle = "5m"               # exit after so long without a call
//	public = true             # every peer may reach it
//	start_timeout = "30s"     # how long it may take to answer
//
// A file without an executable makes a cell of a server that already runs:
//
//	# dna/db.toml
//	forward = "127.0.0.1:5432"
//
//	settings, err := dna.Read(h, cell)
//
// An error names the file, the line and the remedy. Starting programs is left to package
// germinate, and building them to "cell build".
package dna

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Settings is the content of NAME.toml.
type Settings struct {
	// Mode is how calls reach the program.
	Mode Mode
	// Target is the server that calls are forwarded to, in mode Forward.
	Target Target
	// Args follow the program's name, and in mode Self also "--name NAME".
	Args []string
	// Env are pairs KEY=VALUE, sorted by key.
	Env []string
	// Dir is the working directory. If empty, the home.
	Dir string
	// Idle is the time without a call after which the cell exits. If zero, it stays.
	Idle time.Duration
	// Public lets every peer reach the cell.
	Public bool
	// StartTimeout limits the time from the start until the socket answers.
	StartTimeout time.Duration
}

// DefaultStartTimeout is long for a program and short for a person. Callers on other machines
// wait a little longer than MaxStartTimeout.
const (
	DefaultStartTimeout = 10 * time.Second
	MaxStartTimeout     = 90 * time.Second
)

// Path returns the path of NAME.toml.
func Path(h home.Home, cell address.Name) string { return h.DNA(cell) + ".toml" }

// List returns the cells that could be started, sorted: executables and files that forward. A
// bad file is listed; a bad name is not.
func List(h home.Home) []address.Name {
	entries, _ := os.ReadDir(h.DNADir()) // without a folder there is no dna
	var cells []address.Name
	for _, entry := range entries {
		text, isSettings := strings.CutSuffix(entry.Name(), ".toml")
		cell, err := address.ParseName(text)
		if err != nil || cell.Reserved() {
			continue
		}
		if isSettings {
			settings, err := Read(h, cell)
			if err == nil && settings.Mode != Forward {
				continue // settings without a program
			}
		}
		cells = append(cells, cell)
	}
	slices.SortFunc(cells, func(a, b address.Name) int {
		return strings.Compare(a.String(), b.String())
	})
	return slices.Compact(cells)
}

// Public lists the cells that every peer may reach, and the errors of bad files. The cell of a
// bad file is not public.
func Public(h home.Home) (cells []address.Name, problems []error) {
	paths, err := textfile.List(h.DNADir())
	if err != nil {
		return nil, []error{err}
	}
	for _, path := range paths {
		cell, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".toml"))
		var settings Settings
		if err != nil {
			err = fmt.Errorf("%s: %w: rename the file", path, err)
		} else if cell.Reserved() {
			err = fmt.Errorf("%s: names that begin with \"stem.\" are reserved: rename the file",
				path)
		} else {
			settings, err = Read(h, cell)
		}
		if err != nil {
			problems = append(problems, err)
		} else if settings.Public {
			cells = append(cells, cell)
		}
	}
	return cells, problems
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
