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

// Patience is how long a cell may take to end once it is asked to.
const Patience = 5 * time.Second

// ErrNotRunning is what Stop fails with when nobody holds the cell's socket, and
// ErrStarting when somebody starts the cell and has not come to an end within Patience.
var (
	ErrNotRunning = errors.New("not running")
	ErrStarting   = errors.New("it is being started, and has not answered yet: try again")
)

// Stop asks the process of a cell to end (SIGTERM), and ends it if it has not within
// Patience (SIGKILL), together with the processes of its group if it leads one. It
// returns once it is gone, and its socket with it; killed says that it had to be.
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
		return false, errors.New("it runs, but the kernel does not tell as which process")
	case cell.PID == os.Getpid():
		return false, errors.New("this very process holds its socket")
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
		return false, fmt.Errorf("process %d was asked to end, and has not yet: %w", cell.PID,
			ctx.Err())
	}
	target := cell.PID
	if group, err := syscall.Getpgid(target); err == nil && group == target {
		target = -target
	}
	if err := syscall.Kill(target, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return false, fmt.Errorf("process %d: %w", cell.PID, err)
	}
	if !gone(ctx, h, cell) {
		return true, fmt.Errorf("process %d was killed, and is there yet: %w", cell.PID, ctx.Err())
	}
	return true, sweep(h, name)
}

// started waits until nobody starts the cell, for as long as Patience.
func started(ctx context.Context, h home.Home, name address.Name) error {
	if _, err := os.Stat(h.Lock(name)); err != nil {
		return nil // nobody ever has
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

// sweep removes the socket that a cell has left. Whoever holds the lock starts it anew,
// and deals with the socket.
func sweep(h home.Home, name address.Name) error {
	lock, err := socket.TryLock(h.Lock(name))
	// the latter if the whole home has gone
	if errors.Is(err, socket.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
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

// StopAll ends all the cells of a home, as Stop does.
func StopAll(ctx context.Context, h home.Home) error {
	var errs []error
	for _, cell := range List(h) {
		if _, err := Stop(ctx, h, cell.Name); err != nil && !errors.Is(err, ErrNotRunning) {
			errs = append(errs, fmt.Errorf("cell %s: %w", cell.Name, err))
		}
	}
	return errors.Join(errs...)
}

// gone waits until a cell's process has ended and let go of its socket, or ctx has. The
// kernel tells only parents when, so it is looked at again and again; and a process of
// several threads holds what it holds until the last one has ended.
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

// Ended says whether there is no such process, or it has ended and only its parent has
// not noticed yet. Of several threads, some may still be ending then.
func Ended(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) }

// holds says whether the cell's socket is still its own, or of nobody who can be told, as
// when the owner is ending.
func holds(h home.Home, cell Cell) bool {
	now, ok := Find(h, cell.Name)
	return ok && (now.PID == cell.PID || now.PID == 0)
}
