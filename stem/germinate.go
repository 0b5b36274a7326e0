package stem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/internal/wire"
)

// factory is the Cells of a home: sockets in run/, executables in dna/.
type factory struct {
	home    home.Home
	id      address.ID
	log     *slog.Logger
	reaper  *reaper
	births  *births
	limits  *limits
	flights flights
	callees callees
	// wrapper is the program that carries the cells of all modes but self, executed as
	// "cell run NAME".
	wrapper string
}

func newFactory(h home.Home, id address.ID, log *slog.Logger) *factory {
	f := &factory{home: h, id: id, log: log, reaper: newReaper(), births: newBirths(h.RunDir()),
		limits: newLimits()}
	f.flights = flights{running: map[address.Name]*flight{}, starts: tasks.New()}
	f.callees.by = map[string]*callee{}
	return f
}

// Run reaps the cells that end, sees sockets appear, and keeps the logs within bounds. It
// returns once every start that was under way has come to its end.
func (f *factory) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.reaper.run(ctx) })
	group.Go(func() error { return f.births.run(ctx, f.log) })
	group.Go(func() error { return boundLogs(ctx, f.home, f.log) })
	group.Go(func() error {
		<-ctx.Done()
		f.flights.close()
		return nil
	})
	return group.Wait()
}

// Connect connects to the cell's socket under the caller's name, and germinates the cell
// if nobody answers there. A cell may end between its start and our connect, so that is
// tried a second time.
func (f *factory) Connect(ctx context.Context, cell address.Name,
	caller Caller) (pipe.Stream, error) {
	for try := 1; ; try++ {
		callee, err := f.dial(ctx, cell, caller)
		if err == nil {
			return callee, nil
		}
		if !socket.Missing(err) || try == 3 {
			return nil, wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		}
		if err := f.Germinate(ctx, cell, caller); err != nil {
			return nil, err
		}
	}
}

// acceptTimeout is how long a cell may be too busy to take one more connection.
const acceptTimeout = 10 * time.Second

// dial connects under the caller's name; a cell is never connected to without one.
func (f *factory) dial(ctx context.Context, cell address.Name, caller Caller) (*callee, error) {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	path, err := f.home.Socket(cell)
	if err != nil {
		return nil, err
	}
	peer := caller.peer
	if caller.local() {
		peer = f.id
	}
	name := socket.NewCallerName(peer.String())
	return f.callees.add(cell, name, func() (*net.UnixConn, error) {
		return socket.DialFrom(ctx, path, name)
	})
}

// Germinate has the cell started unless it runs. However many ask, it is started once.
func (f *factory) Germinate(ctx context.Context, cell address.Name, caller Caller) error {
	if err := f.hasDNA(cell); err != nil {
		if f.alive(cell) {
			return nil // somebody has started it by hand
		}
		return err
	}
	return f.flights.do(ctx, cell,
		func() error {
			if f.alive(cell) { // a late one of a crowd starts nothing
				return nil
			}
			if err := f.limits.mayStart(cell, f.source(cell)); err != nil {
				return err
			}
			return f.limits.allow(caller)
		},
		func(ctx context.Context) error { return f.start(ctx, cell) })
}

// hasDNA says what is wrong with what the cell would grow from, if anything is.
func (f *factory) hasDNA(cell address.Name) error {
	if cell.Reserved() {
		return wire.Refusal{Code: wire.NotFound,
			Reason: fmt.Sprintf("%s is not running, and no dna may be called so", cell)}
	}
	settings, err := dna.Read(f.home, cell)
	if err == nil && settings.Mode != dna.Forward {
		err = dna.Runnable(f.home.DNA(cell))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wire.Refusal{Code: wire.NotFound,
			Reason: fmt.Sprintf("%s is not running, and there is no dna at %s", cell,
				f.home.DNA(cell))}
	case err != nil:
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	return nil
}

// source is the file that the cell grows from and that was changed last: a cell that
// fails is tried anew when it changes.
func (f *factory) source(cell address.Name) string {
	program, settings := f.home.DNA(cell), dna.Path(f.home, cell)
	if p, err := os.Stat(program); err == nil {
		if s, err := os.Stat(settings); err != nil || s.ModTime().Before(p.ModTime()) {
			return program
		}
	}
	return settings
}

// start brings the cell to answer at its socket, unless it already does, and holds its
// lock meanwhile.
func (f *factory) start(ctx context.Context, cell address.Name) error {
	settings, err := dna.Read(f.home, cell)
	if err != nil {
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, settings.StartTimeout)
	defer cancel()
	lock, err := socket.WaitLock(ctx, f.home.Lock(cell))
	if err != nil {
		return wire.Refusal{Code: wire.Failed,
			Reason: fmt.Sprintf("somebody else is starting %s: %v", cell, err)}
	}
	defer lock.Unlock()
	// anew: program and settings are replaced under the lock
	if settings, err = dna.Read(f.home, cell); err != nil {
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	path, err := f.home.Socket(cell)
	if err != nil {
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	alive, err := socket.Alive(path)
	if err != nil { // then its socket must not be removed
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	if alive {
		return nil // somebody else has started it
	}
	if err := f.limits.mayStart(cell, f.source(cell)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	err = f.grow(ctx, cell, settings, path)
	f.limits.started(cell, f.source(cell), err)
	return err
}

// alive says whether a process holds the cell's socket, without its noticing.
func (f *factory) alive(cell address.Name) bool {
	path, err := f.home.Socket(cell)
	if err != nil {
		return false
	}
	alive, err := socket.Alive(path)
	if err != nil {
		f.log.Warn("can't tell whether a cell is alive", "cell", cell, "err", err)
	}
	return alive
}

// Known lists the cells that answer at their sockets, and those in the store.
func (f *factory) Known() []address.Name { return append(dna.List(f.home), f.Running()...) }

// Running lists the cells that answer at their sockets.
func (f *factory) Running() (cells []address.Name) {
	// errs only on a bad pattern
	paths, _ := filepath.Glob(filepath.Join(f.home.RunDir(), "*.sock"))
	for _, path := range paths {
		cell, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err == nil && f.alive(cell) {
			cells = append(cells, cell)
		}
	}
	return cells
}
