package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// store is cache/build/: the built programs, and what each was built from.
type store struct {
	home home.Home
	dir  string
}

func openStore(h home.Home) (store, error) {
	s := store{h, filepath.Join(h.CacheDir(), "build")}
	return s, os.MkdirAll(s.dir, 0o700)
}

// lock is held during a build. It can't be the name of a cell.
func (s store) lock() string { return filepath.Join(s.dir, ".lock") }

// scratch is the temporary directory of go build, which leaves files when interrupted.
func (s store) scratch() string { return filepath.Join(s.dir, ".scratch") }

// clear empties the scratch directory.
func (s store) clear() error {
	if err := os.RemoveAll(s.scratch()); err != nil {
		return err
	}
	return os.Mkdir(s.scratch(), 0o700)
}

// made is the program of the last build.
func (s store) made(cell address.Name) string { return filepath.Join(s.dir, cell.String()) }

// note says what a program was built from.
type note struct {
	// Dir is the directory of the cell.
	Dir string `toml:"dir"`
	// Inputs is the hash of a command's inputs. Empty while it runs, and for Go programs.
	Inputs string `toml:"inputs"`
}

func (s store) notePath(cell address.Name) string { return s.made(cell) + ".toml" }

// note returns the note of a program, or an empty one if either is missing.
func (s store) note(cell address.Name) (n note) {
	if _, err := os.Stat(s.made(cell)); err != nil || textfile.Read(s.notePath(cell), &n) != nil {
		return note{}
	}
	return n
}

func (s store) write(cell address.Name, n note) error { return textfile.Write(s.notePath(cell), n) }

// check checks the result of a build command, and makes it executable.
func (s store) check(cell address.Name) error {
	info, err := os.Lstat(s.made(cell))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("the build command wrote nothing to the file $CELL_OUT: " +
			`end it with cp PROGRAM "$CELL_OUT"`)
	}
	if err == nil && info.Mode().IsRegular() {
		err = os.Chmod(s.made(cell), 0o700)
	}
	if err == nil {
		err = dna.Runnable(s.made(cell))
	}
	if err != nil {
		return fmt.Errorf("the result of the build command can't be run: %w", err)
	}
	return nil
}

// startPatience is how long install waits for a start of the cell to finish.
var startPatience = 5 * time.Second

// install moves the built program and settings into dna/. Each file is replaced atomically,
// and both under the lock that a start of the cell takes, so that no start sees a new program
// with old settings. A running cell keeps the old file.
func (s store) install(ctx context.Context, cell Cell) error {
	next := ""
	if cell.kind != settings && !same(s.made(cell.Name), s.home.DNA(cell.Name)) {
		next = filepath.Join(s.home.DNADir(), "."+cell.Name.String()+".new")
		if err := clone(s.made(cell.Name), next); err != nil {
			return errors.Join(err, os.Remove(next))
		}
	}
	// an interrupt must not leave half of it
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
	defer cancel()
	lock, err := socket.WaitLock(ctx, s.home.Lock(cell.Name))
	if errors.Is(err, socket.ErrLocked) {
		err = errors.New("the cell is being started, and was not changed: try again")
	}
	if err == nil {
		defer lock.Unlock()
		if next != "" {
			err = os.Rename(next, s.home.DNA(cell.Name))
		}
	}
	if err != nil {
		os.Remove(next)
		return err
	}
	return cell.source.Install(s.home, cell.Name)
}

// clone copies a file, or a symbolic link.
func clone(from, to string) error {
	// a killed build may have left one
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if target, err := os.Readlink(from); err == nil {
		return os.Symlink(target, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// same reports whether two files or links are the same program, ready to run.
func same(a, b string) bool {
	aTarget, aErr := os.Readlink(a)
	bTarget, bErr := os.Readlink(b)
	if aErr == nil || bErr == nil {
		return aErr == nil && bErr == nil && aTarget == bTarget
	}
	aInfo, aErr := os.Stat(a)
	bInfo, bErr := os.Stat(b)
	if aErr != nil || bErr != nil || aInfo.Size() != bInfo.Size() ||
		bInfo.Mode().Perm()&0o100 == 0 || !bInfo.Mode().IsRegular() {
		return false
	}
	aFile, aErr := os.Open(a)
	if aErr != nil {
		return false
	}
	defer aFile.Close()
	bFile, bErr := os.Open(b)
	if bErr != nil {
		return false
	}
	defer bFile.Close()
	return sameBytes(aFile, bFile)
}

func sameBytes(a, b io.Reader) bool {
	aBuf, bBuf := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, aErr := io.ReadFull(a, aBuf)
		m, bErr := io.ReadFull(b, bBuf)
		if !bytes.Equal(aBuf[:n], bBuf[:m]) {
			return false
		}
		if aErr != nil || bErr != nil {
			return isEnd(aErr) && isEnd(bErr)
		}
	}
}

func isEnd(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }
