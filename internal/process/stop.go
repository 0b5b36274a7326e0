package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// Patience is how long Stop waits after SIGTERM before it sends SIGKILL.
const Patience = 5 * time.Second

// Stop returns ErrNotRunning if no process holds the cell's socket, and ErrStarting if the
// cell is still being started after Patience.
var (
	ErrNotRunning = errors.New("not running")
	ErrStarting   = errors.New("still starting, and has not answered yet: try again")
)

// Stop ends the process of a cell with SIGTERM. If it is still there after Patience, Stop
// sends SIGKILL, to the whole process group if the process leads one, and returns killed.
// Stop returns once the process and its socket are gone.
func Stop(ctx context.Context, h home.Home, name address.Name) (killed bool, err error) {
	cell, ok := Find(h, name)
	if !ok {
		if err := started(ctx, h, name); err != nil {
			return false, err
		}
		cell, ok = Find(h, name)
	}
	switch {
	case !ok:
		return false, ErrNotRunning
	case cell.PID == 0:
		return false, errors.New("running, but its process is unknown")
	case cell.PID == os.Getpid():
		return false, errors.New("its socket belongs to this process")
	}
	if err := syscall.Kill(cell.PID, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
		return false, fmt.Errorf("process %d: %w", cell.PID, err)
	}
	patience, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	if gone(patience, h, cell) {
		return false, sweep(h, name)
	}
	if ctx.Err() != nil {
		return false, fmt.Errorf("process %d has not ended after SIGTERM: %w", cell.PID, ctx.Err())
	}
	target := cell.PID
	if group, err := syscall.Getpgid(target); err == nil && group == target {
		target = -target
	}
	if err := syscall.Kill(target, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return false, fmt.Errorf("process %d: %w", cell.PID, err)
	}
	if !gone(ctx, h, cell) {
		return true, fmt.Errorf("process %d has not ended after SIGKILL: %w", cell.PID, ctx.Err())
	}
	return true, sweep(h, name)
}

// started waits, up to Patience, until the cell is not being started any more.
func started(ctx context.Context, h home.Home, name address.Name) error {
	if _, err := os.Stat(h.Lock(name)); err != nil {
		return nil // it was never started
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	lock, err := socket.WaitLock(ctx, h.Lock(name))
	if errors.Is(err, socket.ErrLocked) {
		return ErrStarting
	}
	if err == nil {
		lock.Unlock()
	}
	return nil
}

// sweep removes the socket that a cell has left behind. If the lock is held, the holder is
// starting the cell again and takes care of the socket.
func sweep(h home.Home, name address.Name) error {
	lock, err := socket.TryLock(h.Lock(name))
	if errors.Is(err, socket.ErrLocked) || errors.Is(err, fs.ErrNotExist) { // no home any more
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock()
	path, err := h.Socket(name)
	if err != nil {
		return err
	}
	if alive, err := socket.Alive(path); alive || err != nil {
		return err
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// StopAll stops all the cells of a home with Stop.
func StopAll(ctx context.Context, h home.Home) error {
	var errs []error
	for _, name := range Running(h, nil) {
		if _, err := Stop(ctx, h, name); err != nil && !errors.Is(err, ErrNotRunning) {
			errs = append(errs, fmt.Errorf("cell %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// gone waits until a cell's process has ended and released its socket, and returns false if
// ctx ends first. It polls, since the kernel notifies only parents. A zombie may still hold
// the socket while some of its threads are ending.
func gone(ctx context.Context, h home.Home, cell Cell) bool {
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		if syscall.Kill(cell.PID, 0) == syscall.ESRCH || zombie(cell.PID) && !holds(h, cell) {
			return true
		}
		if socket.Pause(ctx, pause) != nil {
			return false
		}
	}
}

// Ended reports whether a process does not exist or is a zombie. Some threads of a zombie
// may still be running.
func Ended(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) }

// holds reports whether the process still holds the cell's socket. While a process is
// ending, the holder is unknown, which counts as true.
func holds(h home.Home, cell Cell) bool {
	now, ok := Find(h, cell.Name)
	return ok && (now.PID == cell.PID || now.PID == 0)
}
