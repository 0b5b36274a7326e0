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

// Shipped returns the names of the scenarios in this package.
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

// Find returns a shipped scenario, or reads a file if name ends in .toml.
func Find(name string) (Spec, error) {
	if filepath.Ext(name) == ".toml" {
		return Read(name)
	}
	if !slices.Contains(Shipped(), name) {
		return Spec{}, fmt.Errorf("unknown scenario %q: write one of %s, or a file NAME.toml",
			name, strings.Join(Shipped(), ", "))
	}
	text, err := shipped.ReadFile(path.Join("shipped", name+".toml"))
	if err != nil {
		return Spec{}, err
	}
	return Parse(name, text)
}

// maxFile is the size limit for a scenario file.
const maxFile = 1 << 20

// Read reads a file with Parse.
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

// Parse reads a scenario from TOML and checks it. An error names the file, which is called
// name, the line, and the remedy.
func Parse(name string, text []byte) (spec Spec, err error) {
	if err := decode(name, text, &spec); err != nil {
		return Spec{}, err
	}
	if fault := spec.fault(); fault != nil {
		return Spec{}, fmt.Errorf("%s:%d: %w", name, fault.line(text), fault)
	}
	return spec, nil
}

// decode adds the line to errors for which the decoder gives none, such as a number in the
// place of a word: it is the last line of the shortest prefix with the same error.
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

// TOML prints what Parse reads.
func (s Spec) TOML() ([]byte, error) {
	var text bytes.Buffer
	encoder := toml.NewEncoder(&text)
	encoder.SetIndentTables(false)
	err := encoder.Encode(s)
	return text.Bytes(), err
}

// Check returns the first error in a Spec, with the remedy. Parse and NewPlan call it.
func (s Spec) Check() error {
	if fault := s.fault(); fault != nil {
		return fault
	}
	return nil
}
