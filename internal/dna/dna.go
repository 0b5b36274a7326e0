// Package dna is the folder dna/: executables that wait to be started, each with an optional text file that says how,
// and who may reach it.
//
//	# dna/retina.toml
//	public = true            # any peer may reach it
//	start_timeout = "30s"    # how long it may take until it answers
package dna

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Settings is what NAME.toml says.
type Settings struct {
	// Public lets every peer reach the cell.
	Public bool
	// StartTimeout is how long the cell may take from its start until its socket answers.
	StartTimeout time.Duration
}

// DefaultStartTimeout is long for a program that starts and short for a person who waits; MaxStartTimeout keeps the
// callers of other machines within their patience.
const (
	DefaultStartTimeout = 10 * time.Second
	MaxStartTimeout     = 90 * time.Second
)

// file is the text form of Settings.
type file struct {
	Public       bool    `toml:"public"`
	StartTimeout timeout `toml:"start_timeout"`
}

// timeout is checked where it stands, so that an error can name its line. It is a struct since the decoder puts a
// number into any kind of number unchecked.
type timeout struct{ time.Duration }

func (t *timeout) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Millisecond || d > MaxStartTimeout {
		return fmt.Errorf("%q is not a duration from 1ms to %v, as in \"30s\"", text, MaxStartTimeout)
	}
	t.Duration = d
	return nil
}

// Read returns the cell's settings; without a file, the defaults. The error names the file.
func Read(h home.Home, cell address.Name) (Settings, error) {
	path := h.DNA(cell) + ".toml"
	f := file{StartTimeout: timeout{DefaultStartTimeout}}
	if err := textfile.Read(path, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Settings{}, err
	}
	return Settings{f.Public, f.StartTimeout.Duration}, nil
}

// Public lists the cells that every peer may reach. A bad file is one of the errors, and its cell is not public.
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
