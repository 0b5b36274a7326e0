package socket

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Retire removes the socket's file and lets no more callers in. Those who are in the
// queue by then are still there for AcceptQueued. The caller holds the lock.
//
// A caller who has found the file, and is about to be queued, is not lost either:
// shutdown(2) makes the kernel refuse it from one moment on, as if nobody were there, so
// that it looks again and finds what comes next. Linux promises that; elsewhere such a
// caller may be accepted nowhere.
func (l *Listener) Retire() error {
	l.removed.Do(l.remove)
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_RD) })
}

// ErrEmpty is returned by AcceptQueued when nobody waits.
var ErrEmpty = errors.New("nobody is in the queue")

// AcceptQueued accepts a caller who is in the queue already, or fails with ErrEmpty at
// once. (A deadline could pass before Accept has even looked.)
func (l *Listener) AcceptQueued() (*net.UnixConn, error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	ctlErr := raw.Control(func(listening uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		if fd, _, err = syscall.Accept(int(listening)); err == nil {
			syscall.CloseOnExec(fd)
			syscall.SetNonblock(fd, true)
		}
	})
	switch {
	case ctlErr != nil:
		return nil, ctlErr
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINVAL): // the latter after shutdown(2)
		return nil, ErrEmpty
	case err != nil:
		return nil, os.NewSyscallError("accept", err)
	}
	file := os.NewFile(uintptr(fd), "caller")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
