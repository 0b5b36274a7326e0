// Package germinate connects callers to the cells of a home and starts the cells that do not
// run. A running cell has a socket in run/; an executable in dna/ makes one that can be started.
//
//	factory := germinate.New(home, id, wrapper, log)
//	go factory.Run(ctx)
//	stream, err := factory.Connect(ctx, cell, caller)
//
// It promises that many callers at once cause one start, that a cell outlives the stem which
// started it, that a failing cell is restarted with growing pauses, and that other machines
// cannot make this one fork without limit.
//
//	factory.go   connect to a cell's socket, or start the cell
//	flight.go    one start for all who wait
//	limits.go    how often peers may start cells, and how long a failing cell must wait
//	start.go     execute the dna and wait until the socket answers
//	watch.go     notice a new socket in run/
//	reap.go      collect the exit status of child processes
//	logs.go      a cell's output, its last words, and the limit on its log
//	callees.go   connections to cells, and which of them a cell has cut
//
// It leaves to package stem whether a caller may reach a cell.
package germinate

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
	"github.com/cell-mesh/cell/stem/gate"
)

// Factory starts the cells of one home and connects to them.
type Factory struct {
	home    home.Home
	id      address.ID
	wrapper string
	log     *slog.Logger
	reaper  *reaper
	sockets *socketWatch
	limits  *limits
	flights flights
	callees callees
}

// New returns the factory of a home. Cells see calls of this machine's user as calls from id.
// wrapper is the program that runs cells whose dna does not bind a socket itself; it is
// executed as "cell run NAME".
func New(h home.Home, id address.ID, wrapper string, log *slog.Logger) *Factory {
	return &Factory{home: h, id: id, wrapper: wrapper, log: log, reaper: newReaper(),
		sockets: newSocketWatch(h.RunDir()), limits: newLimits(),
		flights: flights{running: map[address.Name]*flight{}, starts: tasks.New()},
		callees: callees{by: map[string]*callee{}}}
}

// Run reaps child processes, watches for sockets and limits the logs until ctx ends. It
// returns once all starts under way have ended.
func (f *Factory) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return f.reaper.run(ctx) })
	group.Go(func() error { return f.sockets.run(ctx, f.log) })
	group.Go(func() error { return limitLogs(ctx, f.home, f.log) })
	group.Go(func() error {
		<-ctx.Done()
		f.flights.close()
		return nil
	})
	return group.Wait()
}

// Connect connects to the cell's socket under the caller's name. If nobody answers there, it
// starts the cell. A cell may end between its start and the connect, so both are tried twice.
func (f *Factory) Connect(ctx context.Context, cell address.Name,
	caller gate.Caller) (pipe.Stream, error) {
	for try := 1; ; try++ {
		callee, err := f.dial(ctx, cell, caller)
		if err == nil {
			return callee, nil
		}
		if !socket.Missing(err) || try == 3 {
			return nil, failed(err)
		}
		if err := f.Germinate(ctx, cell, caller); err != nil {
			return nil, err
		}
	}
}

// acceptTimeout limits how long a busy cell may take to accept a connection.
const acceptTimeout = 10 * time.Second

// dial connects under the caller's name, which the cell reads as the remote address.
func (f *Factory) dial(ctx context.Context, cell address.Name,
	caller gate.Caller) (*callee, error) {
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	path, err := f.home.Socket(cell)
	if err != nil {
		return nil, err
	}
	peer := caller.Peer
	if caller.Local() {
		peer = f.id
	}
	name := socket.NewCallerName(peer.String())
	return f.callees.add(cell, name, func() (*net.UnixConn, error) {
		return socket.DialFrom(ctx, path, name)
	})
}

// Germinate starts the cell unless it runs. Callers that come meanwhile share the start.
func (f *Factory) Germinate(ctx context.Context, cell address.Name, caller gate.Caller) error {
	if err := f.hasDNA(cell); err != nil {
		if f.alive(cell) {
			return nil // started by hand
		}
		return err
	}
	return f.flights.do(ctx, cell,
		func() error {
			if f.alive(cell) { // started since this caller failed to connect
				return nil
			}
			if err := f.limits.mayStart(cell, f.source(cell)); err != nil {
				return err
			}
			return f.limits.allow(caller)
		},
		func(ctx context.Context) error { return f.start(ctx, cell) })
}

// hasDNA returns nil if there is something to start, else what is wrong with it.
func (f *Factory) hasDNA(cell address.Name) error {
	if cell.Reserved() {
		return wire.Refusal{Code: wire.NotFound,
			Reason: fmt.Sprintf("%s is not running, and the name is reserved for the stem", cell)}
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
		return failed(err)
	}
	return nil
}

// source returns the newer of the cell's program and its settings: when that file changes, a
// failing cell is tried again at once.
func (f *Factory) source(cell address.Name) string {
	program, settings := f.home.DNA(cell), dna.Path(f.home, cell)
	if p, err := os.Stat(program); err == nil {
		if s, err := os.Stat(settings); err != nil || s.ModTime().Before(p.ModTime()) {
			return program
		}
	}
	return settings
}

// start takes the cell's lock and starts the cell, unless it runs.
func (f *Factory) start(ctx context.Context, cell address.Name) error {
	settings, err := dna.Read(f.home, cell)
	if err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(ctx, settings.StartTimeout)
	defer cancel()
	lock, err := socket.WaitLock(ctx, f.home.Lock(cell))
	if err != nil {
		return failed(fmt.Errorf("another process is starting %s: %w", cell, err))
	}
	defer lock.Unlock()
	// Read again: program and settings are replaced under the lock.
	if settings, err = dna.Read(f.home, cell); err != nil {
		return failed(err)
	}
	path, err := f.home.Socket(cell)
	if err != nil {
		return failed(err)
	}
	alive, err := socket.Alive(path)
	if err != nil {
		return failed(err) // do not remove a socket that may be in use
	}
	if alive {
		return nil
	}
	if err := f.limits.mayStart(cell, f.source(cell)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(err)
	}
	err = f.launch(ctx, cell, settings, path)
	f.limits.started(cell, f.source(cell), err)
	return err
}

// failed makes a refusal from an error of this machine.
func failed(err error) error { return wire.Refusal{Code: wire.Failed, Reason: err.Error()} }

// alive reports whether a process listens at the cell's socket. The cell does not notice.
func (f *Factory) alive(cell address.Name) bool {
	path, err := f.home.Socket(cell)
	if err != nil {
		return false
	}
	alive, err := socket.Alive(path)
	if err != nil {
		f.log.Warn("cannot tell whether a cell is alive", "cell", cell, "err", err)
	}
	return alive
}

// Known lists the cells that run and those with dna. A name may be listed twice.
func (f *Factory) Known() []address.Name { return append(dna.List(f.home), f.Running()...) }

// Running lists the cells that answer at their sockets.
func (f *Factory) Running() (cells []address.Name) {
	// Glob fails only for a bad pattern.
	paths, _ := filepath.Glob(filepath.Join(f.home.RunDir(), "*.sock"))
	for _, path := range paths {
		cell, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err == nil && f.alive(cell) {
			cells = append(cells, cell)
		}
	}
	return cells
}
