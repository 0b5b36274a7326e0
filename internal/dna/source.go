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

// Source is the content of a cell.toml next to a cell's source: how the cell is built, and the
// settings for its NAME.toml.
//
//	# cells/retina/cell.toml
//	build = "cargo build --release && cp target/release/retina $CELL_OUT"
//	inputs = ["../../vision"]     # read by build, besides its own directory
//	mode = "stdio"                # and every other key of NAME.toml
type Source struct {
	// Build is the command that makes the program. If empty, there is none.
	Build string
	// Inputs are paths that the command also reads, relative to the cell's directory.
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

// ReadSource reads a cell.toml, which may be missing.
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
		return "inputs", errors.New("inputs needs a command: add build or remove inputs")
	case f.Build == nil:
		return "", nil
	case strings.TrimSpace(*f.Build) == "" || strings.ContainsRune(*f.Build, 0):
		return "build", fmt.Errorf("%q is not a command, as in \"cp main.sh $CELL_OUT\"", *f.Build)
	case f.Forward != nil:
		return "build", errors.New("build makes a program, but calls are forwarded: remove build " +
			"or forward")
	}
	return "", nil
}

// Forwards reports whether the cell forwards to a server, so that there is nothing to build.
func (s Source) Forwards() bool { return s.settings.Forward != nil }

// Differs reports whether Install would change the home's settings of the cell. It fails if the
// settings contradict each other or the home, or if they would replace a file that a person
// wrote. A source without settings removes a file that Install wrote and leaves a person's file.
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
		return false, fmt.Errorf("%s was not written by \"cell build\" and would be replaced by "+
			"the settings in %s: "+
			"move its content there and remove the file", Path(h, cell), s.path)
	case !own:
		return false, nil
	}
	return !bytes.Equal(have, want), nil
}

// Install writes the settings to the home.
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

// built is the first line of files that Install writes. A person who edits one should remove it.
const built = `# Written by "cell build"`

// text returns the content for NAME.toml, or nil if there are no settings.
func (s Source) text() ([]byte, error) {
	settings, err := toml.Marshal(s.settings)
	if err != nil || len(settings) == 0 {
		return nil, err
	}
	return fmt.Appendf(nil, "%s from %q: edit that file, and run it again\n\n%s", built, s.path,
		settings), nil
}
