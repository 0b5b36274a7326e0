// Package textfile reads and writes the small TOML files that people edit:
//
//	var settings struct{ Port int `toml:"port"` }
//	err := textfile.Read("stem.toml", &settings)
//	// stem.toml:3: port must be a whole number, not a text
//
// Errors name the file, the line and the remedy. A file is replaced as a whole, so that a
// reader never sees half of it.
package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxSize is far more than any person writes.
const maxSize = 1 << 20

// Read decodes the file into value, a pointer to a struct. An unknown key or a bad value
// is an error that names the file and the line. A missing file is an error that wraps
// fs.ErrNotExist.
func Read(path string, value any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return err
	}
	if len(text) > maxSize {
		return fmt.Errorf("%s: larger than %d bytes", path, maxSize)
	}
	return Decode(path, text, value)
}

// Decode is Read for text that is in memory. Errors begin with name.
func Decode(name string, text []byte, value any) error {
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	return locate(name, text, value, decoder.Decode(value))
}

// ErrUnreadable is wrapped by the error for a folder that cannot be read, for example
// because there are no file descriptors left. It does not mean that the folder is empty.
var ErrUnreadable = errors.New("can't be read")

// List returns the paths of the TOML files in a folder, sorted. If the folder does not
// exist, the list is empty.
func List(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %w: %w", dir, ErrUnreadable, err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".toml") && !strings.HasPrefix(entry.Name(), ".") {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	return paths, nil
}

// Write encodes value and replaces the file, as Replace does.
func Write(path string, value any) error {
	var text bytes.Buffer
	if err := toml.NewEncoder(&text).Encode(value); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return Replace(path, text.Bytes())
}

// Replace replaces the file atomically, with mode 0600: a reader sees the old content or the
// new one.
func Replace(path string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// At adds the file and the line of a top-level key to an error that was found after decoding.
func At(path, key string, err error) error {
	text, readErr := os.ReadFile(path)
	var p unstable.Parser
	p.Reset(text)
	for readErr == nil && p.NextExpression() {
		words := p.Expression().Key()
		if words.Next() && string(words.Node().Data) == key {
			line := p.Shape(words.Node().Raw).Start.Line
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
	return fmt.Errorf("%s: %w", path, err)
}
