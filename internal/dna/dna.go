// Package dna is the folder dna/: executables that wait to be started, each with an
// optional text file that says how, and who may reach it.
//
//	# dna/retina.toml
//	mode = "stdio"            # how calls reach it: see Mode
//	args = ["--fast"]         # behind the program's name
//	env = { LANG = "C" }      # besides the stem's environment
//	dir = "/srv/retina"       # where it runs, instead of in the home
//	idle = "5m"               # it leaves when nobody has called for so long
//	public = true             # any peer may reach it
//	start_timeout = "30s"     # how long it may take until it answers
//
// A file without an executable makes a cell of a server that runs already:
//
//	# dna/db.toml
//	forward = "127.0.0.1:5432"
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

// Settings is what NAME.toml says.
type Settings struct {
	// Mode is how calls reach the program.
	Mode Mode
	// Target is the server that calls are joined with, in mode Forward.
	Target Target
	// Args stand behind the program's name, and in mode Self behind "--name NAME".
	Args []string
	// Env are pairs KEY=VALUE, in the order of their keys.
	Env []string
	// Dir is the directory that the program runs in. If empty, the home.
	Dir string
	// Idle is how long the cell may be unused before it leaves. If zero, it stays.
	Idle time.Duration
	// Public lets every peer reach the cell.
	Public bool
	// StartTimeout is how long the cell may take from its start until its socket answers.
	StartTimeout time.Duration
}

// DefaultStartTimeout is long for a program that starts and short for a person who waits;
// MaxStartTimeout keeps the callers of other machines within their patience.
const (
	DefaultStartTimeout = 10 * time.Second
	MaxStartTimeout     = 90 * time.Second
)

// Path is the text file that says how a cell is started.
func Path(h home.Home, cell address.Name) string { return h.DNA(cell) + ".toml" }

// List names what could grow: each executable, and each file that forwards, in order of
// the names. What may not be called so is left out.
func List(h home.Home) []address.Name {
	entries, _ := os.ReadDir(h.DNADir()) // no folder, no dna
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
				continue // settings alone are no dna
			}
		}
		cells = append(cells, cell)
	}
	slices.SortFunc(cells, func(a, b address.Name) int {
		return strings.Compare(a.String(), b.String())
	})
	return slices.Compact(cells)
}

// Public lists the cells that every peer may reach. A bad file is one of the errors, and
// its cell is not public.
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
			err = fmt.Errorf("%s: names that begin with \"stem.\" are the stem's own: rename the file", path)
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

// exists says whether there is something at the path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
