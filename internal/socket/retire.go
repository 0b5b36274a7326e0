package socket

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// Retire removes the socket's file and refuses new callers. AcceptQueued returns those that
// are already in the queue. The caller of Retire must hold the lock.
//
// A caller that has found the file but is not in the queue yet is not lost: after
// shutdown(2) the kernel refuses it as if the process were dead, so it tries again and
// finds the next process. Only Linux guarantees this. Elsewhere such a caller may be lost.
func (l *Listener) Retire() error {
	l.removed.Do(l.remove)
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { syscall.Shutdown(int(fd), syscall.SHUT_RD) })
}

// ErrEmpty is returned by AcceptQueued if there are no callers in the queue.
var ErrEmpty = errors.New("no caller is in the queue")

// AcceptQueued accepts the next caller in the queue, or fails at once with ErrEmpty. (Accept
// with a short deadline could fail before it has checked the queue.)
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
	// EINVAL comes after shutdown(2).
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINVAL):
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
