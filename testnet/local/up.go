package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/textfile"
)

// Config says what Up makes.
type Config struct {
	// Dir is where the testnet lies. It may exist, and is empty then.
	Dir string
	// Cell is the program "cell". The testnet gets a copy, so that all its stems stay of
	// one version.
	Cell string
	// Nodes is how many stems there are, 1 to MaxNodes.
	Nodes int
	// DNA is a directory whose executables, and the files that say how they are started,
	// every node finds in its own store, as links. If empty, each node has the cell echo
	// alone.
	DNA string
}

// undoing is how long Up may take to take back what it has begun.
const undoing = 30 * time.Second

// Up makes a testnet and returns when all its stems answer. They go on when this process
// ends; Down ends them. If it fails, or ctx ends first, nothing is left. It fails with
// ErrExists where a testnet is, whether its stems run or not.
func Up(ctx context.Context, cfg Config) (_ *Net, err error) {
	if err := checkCount(cfg.Nodes); err != nil {
		return nil, err
	}
	cells, err := findDNA(cfg.DNA)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	n, err := newNet(dir, cfg.Nodes)
	if err != nil {
		return nil, err
	}
	if err := checkEmpty(dir); err != nil {
		return nil, err // before anything is touched
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	if err := checkEmpty(dir); err != nil {
		return nil, err // someone was faster
	}
	if err := textfile.Write(record(dir), file{cfg.Nodes}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoing)
			defer cancel()
			err = errors.Join(err, n.down(undo))
		}
	}()
	if err := n.furnish(cfg.Cell, cells); err != nil {
		return nil, err
	}
	return n, n.start(ctx)
}

// checkEmpty says whether a testnet may be made in a directory.
func checkEmpty(dir string) error {
	if _, err := os.Stat(record(dir)); err == nil {
		return fmt.Errorf("%s: %w", dir, ErrExists)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: name a directory that is empty, or does not exist", err)
	}
	for _, entry := range entries {
		if entry.Name() != "testnet.lock" {
			return fmt.Errorf("%s is not empty: there is %s; name a directory that is, or does not exist", dir, entry.Name())
		}
	}
	return nil
}

// start runs the first stem, which is where the others begin, and then the others at once.
func (n *Net) start(ctx context.Context) error {
	if err := n.Start(ctx, n.Nodes[0]); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, node := range n.Nodes[1:] {
		group.Go(func() error { return n.Start(ctx, node) })
	}
	return group.Wait()
}

// install puts the program into bin/: as another name of it, or as a copy where there can be none.
func (n *Net) install(program string) error {
	if err := os.Mkdir(n.bin(), 0o700); err != nil {
		return err
	}
	program, err := filepath.EvalSymlinks(program)
	if err != nil {
		return err
	}
	if os.Link(program, n.Cell()) == nil {
		return nil
	}
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(n.Cell(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
