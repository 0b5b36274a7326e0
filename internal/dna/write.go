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

// ErrProgram is what Expose and Hide fail with where a program is the cell, and not a target.
var ErrProgram = errors.New("it is a program's")

// Expose makes a cell of the server at a target, and returns the one whose place it
// takes, if there was one. What a file that forwards said besides is kept.
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
