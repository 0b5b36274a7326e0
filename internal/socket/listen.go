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

// ErrInUse is returned by Listen when a live process already answers at the path.
var ErrInUse = errors.New("already running")

// Listener is a listening socket that removes its own file, and no other, when it is closed.
type Listener struct {
	*net.UnixListener
	path, lock string
	file       fs.FileInfo
	once       sync.Once
	removed    sync.Once
	closed     error
}

// Listen listens at path with mode 0600, replacing the socket of a dead process; at a
// live one it fails with ErrInUse. The caller holds the lock. The socket answers from the
// moment it can be seen: it is bound under another name and renamed. lock is the lock's
// file, which Close takes for a moment; if empty, the caller holds it until after Close.
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

// reveal gives the bound socket its mode and its name.
func (l *Listener) reveal(hidden string) (err error) {
	if err = os.Chmod(hidden, 0o600); err != nil {
		return err
	}
	if l.file, err = os.Stat(hidden); err != nil {
		return err
	}
	return os.Rename(hidden, l.path)
}

// Close stops listening and removes the socket's file, unless another process has put its
// own there or is about to. Closing twice is fine.
func (l *Listener) Close() error {
	l.once.Do(func() {
		if l.lock == "" {
			l.removed.Do(l.remove)
		} else if lock, err := TryLock(l.lock); err == nil {
			defer lock.Unlock()
			l.removed.Do(l.remove)
		} // else whoever holds the lock now deals with the file as with any dead socket
		l.closed = l.UnixListener.Close()
	})
	return l.closed
}

func (l *Listener) remove() {
	if now, err := os.Stat(l.path); err == nil && os.SameFile(now, l.file) {
		os.Remove(l.path)
	}
}
