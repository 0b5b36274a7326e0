package dna

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/textfile"
)

// errProgram is what Expose and Hide fail with where a program is the cell, and not a target.
var errProgram = errors.New("it is a program's")

// Expose makes a cell of the server at a target. What a file that forwards said besides is kept.
func Expose(h home.Home, cell address.Name, to Target) error {
	was, err := forwarded(h, cell)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	was.Forward = &to
	if key, err := was.contradiction(h, cell); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return textfile.Write(Path(h, cell), was)
}

// Hide takes Expose back. If nothing is exposed under the name, the error wraps fs.ErrNotExist.
func Hide(h home.Home, cell address.Name) error {
	if _, err := forwarded(h, cell); err != nil {
		return err
	}
	return os.Remove(Path(h, cell))
}

// forwarded reads the file of a cell that is one because of its target.
func forwarded(h home.Home, cell address.Name) (f file, err error) {
	if exists(h.DNA(cell)) {
		return f, fmt.Errorf("%s: %w: choose another name, or remove it", h.DNA(cell), errProgram)
	}
	if err := textfile.Read(Path(h, cell), &f); err != nil {
		return f, err
	}
	if f.Forward == nil {
		return f, fmt.Errorf("%s: %w: choose another name, or remove it", Path(h, cell), errProgram)
	}
	return f, nil
}
