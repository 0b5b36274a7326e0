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

// Config configures Up.
type Config struct {
	// Dir is the directory of the testnet, which must be empty or not exist.
	Dir string
	// Cell is the path of the program cell. The testnet uses a copy, so that all its stems
	// have the same version.
	Cell string
	// Nodes is the number of nodes, 1 to MaxNodes.
	Nodes int
	// DNA is a directory of executables and their settings, to which the dna directory of
	// every node links. If empty, each node has the cell echo.
	DNA string
}

// undoTimeout bounds how long Up may take to clean up after an error.
const undoTimeout = 30 * time.Second

// Up creates a testnet and returns when all its stems answer. They outlive this process;
// Down stops them. If Up fails or ctx ends first, nothing is left behind. It returns
// ErrExists if the directory has a testnet, running or not.
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
		return nil, err // and has not created anything
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockNet(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	if err := checkEmpty(dir); err != nil {
		return nil, err // another Up was faster
	}
	if err := textfile.Write(configFile(dir), file{cfg.Nodes}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
			defer cancel()
			err = errors.Join(err, n.down(undo))
		}
	}()
	if err := n.makeHomes(cfg.Cell, cells); err != nil {
		return nil, err
	}
	return n, n.start(ctx)
}

// checkEmpty returns an error unless a testnet may be created in the directory.
func checkEmpty(dir string) error {
	if _, err := os.Stat(configFile(dir)); err == nil {
		return fmt.Errorf("%s: %w", dir, ErrExists)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: name a directory that is empty, or does not exist", err)
	}
	for _, entry := range entries {
		if entry.Name() != "testnet.lock" {
			return fmt.Errorf("%s is not empty: it has %s: name a directory that is empty, "+
				"or does not exist", dir, entry.Name())
		}
	}
	return nil
}

// start starts the first stem, from which the others bootstrap, and then the others.
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

// install puts the program into bin/, as a hard link, or as a copy if that fails.
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
