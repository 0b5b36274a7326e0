// Package build makes dna of the cells of a monorepo: every directory cells/NAME becomes dna/NAME.
//
//	cells/retina/main.go           a Go program: go build
//	cells/lens/cell.toml           any other: the command that is its build, and its settings, which become dna/lens.toml
//	cells/internal/…               neither of them: passed over
//
// A build command is run by "sh -c" in the cell's directory, and writes the program to
// the file that $CELL_OUT names; $CELL_NAME is what the cell is called.
//
//	build = "cargo build --release && cp target/release/lens $CELL_OUT"
//
// Only what has changed is built and put in place. Whether a Go program has changed, go
// build tells, quickly; a command is run anew when it reads otherwise, or a file of its
// directory or its inputs does. What was made is kept in cache/build/, so that this can
// be told; deleting it costs no more than the time to build.
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

// Config is where and how to build.
type Config struct {
	// Home gets the dna. It is made if need be.
	Home home.Home
	// All builds what has not changed, too.
	All bool
	// Waits, if not nil, is told that another build is under way, which this one waits for.
	Waits func()
	// Began and Ended, if not nil, are told of each cell, of one at a time.
	Began func(address.Name)
	Ended func(Result)
}

// Result is what became of one cell.
type Result struct {
	Name address.Name
	// Changed says that its dna is not what it was.
	Changed bool
	// Err is why it was not built, with the words of its compiler; its dna is what it was.
	Err error
	// Instead is the directory of another cell of that name, which was built into this home before.
	Instead string
	// Took is how long that was.
	Took time.Duration
}

// Run builds the cells side by side and then puts those that were built and have changed
// into the home's dna/. If it fails, all of dna/ is as it was; what keeps one cell from
// being built is in its result. When ctx ends, it ends the commands that run, and fails.
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

// wait takes the store for this build alone.
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

// makeAll makes what is to be installed, as many at once as there are cores. The first Go
// program goes ahead of the others: it fills go's cache with what they share, which they
// would compile once each.
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

// inOrder has one Go program come first, and those that wait for it last.
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

// another returns the directory that the cell's name was built from before, if it is not
// the cell's and is a cell yet.
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

// make makes what is to become the cell's dna, and says whether that differs from what is there.
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

// goBuild has go build decide whether the program is up to date. A commit does not make
// it another one.
func (s store) goBuild(ctx context.Context, cell Cell) error {
	if err := s.write(cell.Name, note{Dir: cell.Dir}); err != nil {
		return err
	}
	if info, err := os.Lstat(s.made(cell.Name)); err == nil &&
		!(info.Mode().IsRegular() && isGoProgram(s.made(cell.Name))) {
		// A command has made a link, through which go build would write, a directory,
		// into which it would, or a script, which it would not replace.
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

// runCommand runs the build command, unless it made what is there of what is there.
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
