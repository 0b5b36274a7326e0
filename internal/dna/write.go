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

// ErrProgram is returned by Expose and Hide if the cell is a program.
var ErrProgram = errors.New("the cell is a program")

// Expose makes the server at a target reachable as a cell, and returns the target that it
// replaces, if any. Other settings of the cell are kept.
func Expose(h home.Home, cell address.Name, to Target) (was Target, err error) {
	f, err := forwarded(h, cell)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return was, err
	}
	if f.Forward != nil {
		was = *f.Forward
	}
	f.Forward = &to
	if key, err := f.contradiction(h, cell); err != nil {
		return was, fmt.Errorf("%s: %w", key, err)
	}
	return was, textfile.Write(Path(h, cell), f)
}

// Hide undoes Expose. If nothing is exposed under the name, the error wraps fs.ErrNotExist.
func Hide(h home.Home, cell address.Name) error {
	if _, err := forwarded(h, cell); err != nil {
		return err
	}
	return os.Remove(Path(h, cell))
}

// forwarded reads the file of a cell that forwards.
func forwarded(h home.Home, cell address.Name) (f file, err error) {
	if exists(h.DNA(cell)) {
		return f, fmt.Errorf("%s: %w", h.DNA(cell), ErrProgram)
	}
	if err := textfile.Read(Path(h, cell), &f); err != nil {
		return f, err
	}
	if f.Forward == nil {
		return f, fmt.Errorf("%s: %w", Path(h, cell), ErrProgram)
	}
	return f, nil
}
