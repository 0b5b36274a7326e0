// Package build builds the cells of a monorepo. Each directory cells/NAME becomes the
// program dna/NAME in the home:
//
//	cells/retina/main.go    a Go program, built with go build
//	cells/lens/cell.toml    any other: holds the build command, and settings for dna/lens.toml
//	cells/internal/…        neither: skipped
//
// A build command runs by "sh -c" in the cell's directory. It must write the program to the
// file $CELL_OUT; $CELL_NAME is the name of the cell.
//
//	build = "cargo build --release && cp target/release/lens $CELL_OUT"
//
// Only what has changed is built and installed. For a Go program, go build decides that. A
// command runs again if it, a file in its directory or one of its inputs has changed. The
// results are kept in cache/build/, which is safe to delete.
package build

import (
	"context"
	"debug/buildinfo"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// Config says where and how to build.
type Config struct {
	// Home gets the programs. It is created if it does not exist.
	Home home.Home
	// All also builds what has not changed.
	All bool
	// Waits, if not nil, is called if this build has to wait for another one.
	Waits func()
	// Began and Ended, if not nil, are called for each cell, one call at a time.
	Began func(address.Name)
	Ended func(Result)
}

// Result is the outcome for one cell.
type Result struct {
	Name address.Name
	// Changed says that its dna was replaced.
	Changed bool
	// Err is why it was not built, with the compiler's output. Its dna has not changed.
	Err error
	// Instead is the directory of another cell with that name, which this one replaces.
	Instead string
	// Took is how long the build took.
	Took time.Duration
}

// Run builds the cells in parallel, and then installs the changed ones into the home's dna/.
// If Run fails, dna/ has not changed. If one cell can't be built, its result has the error.
// When ctx ends, Run ends the running commands and fails.
func Run(ctx context.Context, c Config, cells []Cell) ([]Result, error) {
	if err := c.Home.Make(); err != nil {
		return nil, err
	}
	for _, cell := range cells {
		if _, err := cell.source.Differs(c.Home, cell.Name); err != nil {
			return nil, err
		}
	}
	s, err := openStore(c.Home)
	if err != nil {
		return nil, err
	}
	lock, err := c.wait(ctx, s)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	if err := s.clear(); err != nil {
		return nil, err
	}
	defer s.clear()
	results := c.makeAll(ctx, s, cells)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for i, cell := range cells {
		if results[i].Changed {
			if err := s.install(ctx, cell); err != nil {
				results[i].Changed, results[i].Err = false, err
			}
		}
	}
	return results, nil
}

// wait locks the store for this build.
func (c Config) wait(ctx context.Context, s store) (*socket.Lock, error) {
	lock, err := socket.TryLock(s.lock())
	if !errors.Is(err, socket.ErrLocked) {
		return lock, err
	}
	if c.Waits != nil {
		c.Waits()
	}
	return socket.WaitLock(ctx, s.lock())
}

// makeAll builds the cells, as many at a time as there are cores. The first Go program is
// built before the others: it fills go's cache with the packages they share.
func (c Config) makeAll(ctx context.Context, s store, cells []Cell) []Result {
	results := make([]Result, len(cells))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	var telling sync.Mutex
	tell := func(f func()) {
		telling.Lock()
		defer telling.Unlock()
		f()
	}
	ahead := make(chan struct{})
	order, first := inOrder(cells)
	for _, i := range order {
		group.Go(func() error {
			switch {
			case i == first:
				defer close(ahead)
			case cells[i].kind == goProgram:
				<-ahead
			}
			if ctx.Err() != nil {
				return nil
			}
			if c.Began != nil {
				tell(func() { c.Began(cells[i].Name) })
			}
			began, instead := time.Now(), s.another(cells[i])
			changed, err := s.make(ctx, cells[i], c.All)
			results[i] = Result{cells[i].Name, changed, err, instead, time.Since(began)}
			if c.Ended != nil && ctx.Err() == nil {
				tell(func() { c.Ended(results[i]) })
			}
			return nil
		})
	}
	group.Wait()
	return results
}

// inOrder puts one Go program first, and those that wait for it last.
func inOrder(cells []Cell) (order []int, first int) {
	first = -1
	var waiting []int
	for i, cell := range cells {
		switch {
		case cell.kind != goProgram:
			order = append(order, i)
		case first < 0:
			first = i
		default:
			waiting = append(waiting, i)
		}
	}
	if first >= 0 {
		order = append([]int{first}, order...)
	}
	return append(order, waiting...), first
}

// another returns the directory that the cell's name was built from before, if that is
// another directory and still a cell.
func (s store) another(cell Cell) string {
	dir := s.note(cell.Name).Dir
	if _, err := os.Stat(dir); dir == cell.Dir || err != nil {
		return ""
	}
	if other, err := at(dir); err != nil || other.kind == none {
		return ""
	}
	return dir
}

// make builds a cell, and says whether the result differs from its dna.
func (s store) make(ctx context.Context, cell Cell, all bool) (changed bool, err error) {
	switch cell.kind {
	case goProgram:
		err = s.goBuild(ctx, cell)
	case command:
		err = s.runCommand(ctx, cell, all)
	}
	if err != nil {
		return false, err
	}
	changed, err = cell.source.Differs(s.home, cell.Name)
	if changed || err != nil || cell.kind == settings {
		return changed, err
	}
	return !same(s.made(cell.Name), s.home.DNA(cell.Name)), nil
}

// goBuild runs go build, which decides what is up to date. With -buildvcs=false, a commit
// alone does not change the program.
func (s store) goBuild(ctx context.Context, cell Cell) error {
	if err := s.write(cell.Name, note{Dir: cell.Dir}); err != nil {
		return err
	}
	if info, err := os.Lstat(s.made(cell.Name)); err == nil &&
		!(info.Mode().IsRegular() && isGoProgram(s.made(cell.Name))) {
		// An earlier build command left a link or directory, into which go build would
		// write, or a script, which it would not replace.
		if err := os.RemoveAll(s.made(cell.Name)); err != nil {
			return err
		}
	}
	return run(ctx, cell.Dir, []string{"GOTMPDIR=" + s.scratch()}, "go", "build", "-buildvcs=false",
		"-o", s.made(cell.Name), ".")
}

func isGoProgram(path string) bool {
	_, err := buildinfo.ReadFile(path)
	return err == nil
}

// runCommand runs the build command, unless its inputs have not changed.
func (s store) runCommand(ctx context.Context, cell Cell, all bool) error {
	sum, err := inputs(ctx, cell)
	if err != nil {
		return err
	}
	if was := s.note(cell.Name); !all && was.Inputs == sum {
		return s.write(cell.Name, note{cell.Dir, sum})
	}
	if err := s.write(cell.Name, note{Dir: cell.Dir}); err != nil {
		return err
	}
	if err := os.RemoveAll(s.made(cell.Name)); err != nil {
		return err
	}
	env := []string{"CELL_OUT=" + s.made(cell.Name), "CELL_NAME=" + cell.Name.String()}
	if err := run(ctx, cell.Dir, env, "sh", "-c", cell.source.Build); err != nil {
		return err
	}
	if err := s.check(cell.Name); err != nil {
		return err
	}
	return s.write(cell.Name, note{cell.Dir, sum})
}
