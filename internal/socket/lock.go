package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock is an exclusive flock(2) on a file, which the kernel releases when the process ends.
// The file stays: if it were removed, two processes could lock two files of the same name.
type Lock struct{ file *os.File }

// ErrLocked is returned by TryLock if another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock takes the lock. If another process holds it, TryLock fails at once with ErrLocked.
func TryLock(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	if err == nil {
		return &Lock{file}, nil
	}
	file.Close()
	if err == syscall.EWOULDBLOCK {
		err = ErrLocked
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// WaitLock waits for the lock until ctx ends. It polls with doubling pauses, because a
// blocking flock(2) cannot be interrupted.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	for pause := FirstPause; ; pause = NextPause(pause) {
		lock, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		if Pause(ctx, pause) != nil {
			return nil, err
		}
	}
}

// Unlock releases the lock.
func (l *Lock) Unlock() {
	// Close alone is not enough: a child that is being forked has a copy of the file.
	syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
