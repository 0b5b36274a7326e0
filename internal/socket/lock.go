package socket

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock is an exclusive flock(2) on a file, which goes with the process that holds it. The
// file stays: removing it would let two processes hold locks on two files of one name.
type Lock struct{ file *os.File }

// ErrLocked is returned by TryLock when another holds the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock takes the lock or fails at once, with ErrLocked if another holds it.
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

// WaitLock takes the lock as soon as it is free; it fails when ctx ends first. It tries
// with doubling pauses, since a blocking flock(2) could not be called off.
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

// Unlock gives the lock back.
func (l *Lock) Unlock() {
	// closing alone leaves it to a child that is being forked right now
	syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	l.file.Close()
}
