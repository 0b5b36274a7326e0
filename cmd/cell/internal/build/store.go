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

// store is cache/build/: the programs that were made, and of what.
type store struct {
	home home.Home
	dir  string
}

func openStore(h home.Home) (store, error) {
	s := store{h, filepath.Join(h.CacheDir(), "build")}
	return s, os.MkdirAll(s.dir, 0o700)
}

// lock is held by the one who builds. No cell is called so.
func (s store) lock() string { return filepath.Join(s.dir, ".lock") }

// scratch is for go build, which leaves its files behind when it is interrupted.
func (s store) scratch() string { return filepath.Join(s.dir, ".scratch") }

// clear empties it.
func (s store) clear() error {
	if err := os.RemoveAll(s.scratch()); err != nil {
		return err
	}
	return os.Mkdir(s.scratch(), 0o700)
}

// made is the program as it was made last.
func (s store) made(cell address.Name) string { return filepath.Join(s.dir, cell.String()) }

// note says of what the program was made.
type note struct {
	// Dir is the directory of the cell.
	Dir string `toml:"dir"`
	// Inputs is the hash of what a command has read; empty, while it is at work, and for
	// Go programs.
	Inputs string `toml:"inputs"`
}

func (s store) notePath(cell address.Name) string { return s.made(cell) + ".toml" }

// note returns an empty one if that or the program is not known any more.
func (s store) note(cell address.Name) (n note) {
	if _, err := os.Stat(s.made(cell)); err != nil || textfile.Read(s.notePath(cell), &n) != nil {
		return note{}
	}
	return n
}

func (s store) write(cell address.Name, n note) error { return textfile.Write(s.notePath(cell), n) }

// check says what is wrong with what a build command has made. It need not have made it executable.
func (s store) check(cell address.Name) error {
	info, err := os.Lstat(s.made(cell))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New(`its build command ended well and wrote nothing to the file $CELL_OUT: end it with cp PROGRAM "$CELL_OUT"`)
	}
	if err == nil && info.Mode().IsRegular() {
		err = os.Chmod(s.made(cell), 0o700)
	}
	if err == nil {
		err = dna.Runnable(s.made(cell))
	}
	if err != nil {
		return fmt.Errorf("what its build command has made can't be started: %w", err)
	}
	return nil
}

// startPatience is how long a start of the cell that is under way may hold up its installation.
var startPatience = 5 * time.Second

// install puts what was made into dna/, in the place of what was there: each file at
// once, and both under the lock that is held while the cell is started, so that no start
// finds a new program with old settings. A cell that runs goes on with the old file.
func (s store) install(ctx context.Context, cell Cell) error {
	next := ""
	if cell.kind != settings && !same(s.made(cell.Name), s.home.DNA(cell.Name)) {
		next = filepath.Join(s.home.DNADir(), "."+cell.Name.String()+".new")
		if err := clone(s.made(cell.Name), next); err != nil {
			return errors.Join(err, os.Remove(next))
		}
	}
	// an interrupt leaves all or nothing
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
	defer cancel()
	lock, err := socket.WaitLock(ctx, s.home.Lock(cell.Name))
	if errors.Is(err, socket.ErrLocked) {
		err = errors.New("it is just being started, and is left as it was: try again")
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

// clone makes another file, or another link to the same.
func clone(from, to string) error {
	// one of a build that was killed
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

// same says whether two files, or links, are the same program.
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
