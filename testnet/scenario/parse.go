package scenario

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/cell-mesh/cell/internal/textfile"
)

//go:embed shipped/*.toml
var shipped embed.FS

// Shipped lists the names of the scenarios that come with this package.
func Shipped() (names []string) {
	entries, err := shipped.ReadDir("shipped")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".toml"))
	}
	return names
}

// Find returns a scenario that is shipped, or that of a file whose name ends in .toml.
func Find(name string) (Spec, error) {
	if filepath.Ext(name) == ".toml" {
		return Read(name)
	}
	if !slices.Contains(Shipped(), name) {
		return Spec{}, fmt.Errorf("there is no scenario %q: it is a file NAME.toml, or one of %s",
			name, strings.Join(Shipped(), ", "))
	}
	text, err := shipped.ReadFile(path.Join("shipped", name+".toml"))
	if err != nil {
		return Spec{}, err
	}
	return Parse(name, text)
}

// maxFile bounds what is read of a file that a person wrote.
const maxFile = 1 << 20

// Read reads a scenario. The error of a bad one names the file, the line and the remedy.
func Read(path string) (Spec, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Spec{}, err
	}
	if info.Size() > maxFile {
		return Spec{}, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Spec{}, err
	}
	return Parse(path, text)
}

// Parse reads the text of a scenario; name is for its errors.
func Parse(name string, text []byte) (spec Spec, err error) {
	if err := decode(name, text, &spec); err != nil {
		return Spec{}, err
	}
	if fault := spec.fault(); fault != nil {
		return Spec{}, fmt.Errorf("%s:%d: %w", name, fault.line(text), fault)
	}
	return spec, nil
}

// decode also finds the line where the decoder does not tell it, as when a number stands
// for a word: it is the last one of the shortest text with that error.
func decode(name string, text []byte, spec *Spec) error {
	err := textfile.Decode(name, text, spec)
	if err == nil || strings.HasPrefix(err.Error(), name+":") &&
		!strings.HasPrefix(err.Error(), name+": ") {
		return err
	}
	for line, end := 1, 0; end < len(text) && line < 1000; line++ {
		if next := bytes.IndexByte(text[end:], '\n'); next >= 0 {
			end += next + 1
		} else {
			end = len(text)
		}
		if again := textfile.Decode(name, text[:end], new(Spec)); again != nil &&
			again.Error() == err.Error() {
			return fmt.Errorf("%s:%d%s", name, line, strings.TrimPrefix(err.Error(), name))
		}
	}
	return err
}

// TOML prints the scenario as Parse reads it.
func (s Spec) TOML() ([]byte, error) {
	var text bytes.Buffer
	encoder := toml.NewEncoder(&text)
	encoder.SetIndentTables(false)
	err := encoder.Encode(s)
	return text.Bytes(), err
}

// Check says what is wrong with a Spec, with the remedy. Parse and NewPlan do so, too.
func (s Spec) Check() error {
	if fault := s.fault(); fault != nil {
		return fault
	}
	return nil
}
