package socket

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// ErrInUse is returned by Listen if a live process already holds the socket.
var ErrInUse = errors.New("already running")

// Listener is a listening socket. Close removes its file, unless another process has
// replaced it.
type Listener struct {
	*net.UnixListener
	path, lock string
	file       fs.FileInfo
	once       sync.Once
	removed    sync.Once
	closed     error
}

// Listen listens at path with mode 0600. It replaces the socket of a dead process, and fails
// with ErrInUse at that of a live one. The caller must hold the lock. Listen binds the
// socket under a hidden name and then renames it, so that it accepts connections from the
// moment it is visible. Close takes the lock in the file named lock for a moment; if lock is
// empty, the caller holds the lock until after Close.
func Listen(path, lock string) (*Listener, error) {
	if alive, err := Alive(path); err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	} else if alive {
		return nil, fmt.Errorf("listen at %s: %w", path, ErrInUse)
	}
	var random [4]byte
	rand.Read(random[:]) // never fails
	hidden := filepath.Join(filepath.Dir(path), "."+hex.EncodeToString(random[:]))
	inner, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	inner.SetUnlinkOnClose(false)
	l := &Listener{UnixListener: inner, path: path, lock: lock}
	if err := l.reveal(hidden); err != nil {
		inner.Close()
		os.Remove(hidden)
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	return l, nil
}

// reveal sets the mode of the bound socket, and renames it.
func (l *Listener) reveal(hidden string) (err error) {
	if err = os.Chmod(hidden, 0o600); err != nil {
		return err
	}
	if l.file, err = os.Stat(hidden); err != nil {
		return err
	}
	return os.Rename(hidden, l.path)
}

// Close stops listening and removes the socket's file, unless another process has replaced it
// or holds the lock to do so. It may be called twice.
func (l *Listener) Close() error {
	l.once.Do(func() {
		if l.lock == "" {
			l.removed.Do(l.remove)
		} else if lock, err := TryLock(l.lock); err == nil {
			defer lock.Unlock()
			l.removed.Do(l.remove)
		} // else the holder of the lock replaces the file, like any dead socket
		l.closed = l.UnixListener.Close()
	})
	return l.closed
}

func (l *Listener) remove() {
	if now, err := os.Stat(l.path); err == nil && os.SameFile(now, l.file) {
		os.Remove(l.path)
	}
}
