package dna

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Source is what a cell.toml beside a cell's source says: how the cell is built, and what
// its NAME.toml is to say.
//
//	# cells/retina/cell.toml
//	build = "cargo build --release && cp target/release/retina $CELL_OUT"
//	inputs = ["../../vision"]     # what it is built from, besides its own directory
//	mode = "stdio"                # and all else that NAME.toml may say
type Source struct {
	// Build is the command that makes the program. If empty, nothing was said of it.
	Build string
	// Inputs are paths relative to the cell's directory, which the command reads, too.
	Inputs []string

	path     string
	settings file
}

// sourceFile is the text form of Source.
type sourceFile struct {
	Build  *string  `toml:"build"`
	Inputs []string `toml:"inputs"`
	file
}

// ReadSource reads a cell.toml; a missing one says nothing. The error names the file, the
// line and the remedy.
func ReadSource(path string) (Source, error) {
	var f sourceFile
	if err := textfile.Read(path, &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Source{}, err
	}
	key, err := f.badText()
	if err == nil {
		key, err = f.badBuild()
	}
	if err != nil {
		return Source{}, textfile.At(path, key, err)
	}
	s := Source{Inputs: f.Inputs, path: path, settings: f.file}
	if f.Build != nil {
		s.Build = *f.Build
	}
	return s, nil
}

func (f sourceFile) badBuild() (key string, err error) {
	switch {
	case f.Build == nil && f.Inputs != nil:
		return "inputs", errors.New("there is no command that reads them: add build, or remove inputs")
	case f.Build == nil:
		return "", nil
	case strings.TrimSpace(*f.Build) == "" || strings.ContainsRune(*f.Build, 0):
		return "build", fmt.Errorf("%q is no command, as in \"cp main.sh $CELL_OUT\"", *f.Build)
	case f.Forward != nil:
		return "build", errors.New("there is no program to build where calls are forwarded: remove build, or forward")
	}
	return "", nil
}

// Forwards says whether the cell is a server that runs already, so that there is nothing to build.
func (s Source) Forwards() bool { return s.settings.Forward != nil }

// Differs says whether the home's settings of the cell are others than these. It fails if
// these can't take their place: they contradict themselves or the home, or a person wrote
// what is there. Where the source says nothing, so should a file that Install has left,
// while one that a person wrote may stay.
func (s Source) Differs(h home.Home, cell address.Name) (bool, error) {
	if key, err := s.settings.contradiction(h, cell); err != nil {
		return false, textfile.At(s.path, key, err)
	}
	want, err := s.text()
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(Path(h, cell))
	if errors.Is(err, fs.ErrNotExist) {
		return want != nil, nil
	}
	own := bytes.HasPrefix(have, []byte(built))
	switch {
	case err != nil:
		return false, err
	case !own && want != nil:
		return false, fmt.Errorf("%s is not \"cell build\"'s, and what %s says would take its place: put all of it there, and remove that file", Path(h, cell), s.path)
	case !own:
		return false, nil
	}
	return !bytes.Equal(have, want), nil
}

// Install makes these settings the home's for the cell, as far as they differ.
func (s Source) Install(h home.Home, cell address.Name) error {
	differs, err := s.Differs(h, cell)
	if err != nil || !differs {
		return err
	}
	text, err := s.text()
	if err != nil {
		return err
	}
	if text == nil {
		return os.Remove(Path(h, cell))
	}
	return textfile.Replace(Path(h, cell), text)
}

// built begins the files that Install writes, which no person has touched as long as it is there.
const built = `# Written by "cell build"`

// text is what NAME.toml is to hold; nil if there is nothing to say.
func (s Source) text() ([]byte, error) {
	settings, err := toml.Marshal(s.settings)
	if err != nil || len(settings) == 0 {
		return nil, err
	}
	return fmt.Appendf(nil, "%s from %q: edit that file, and run it again\n\n%s", built, s.path,
		settings), nil
}
