package socket

import (
	"errors"
	"os"
	"syscall"
)

// Alive reports whether a process holds the socket at path, and the process does not notice.
// It calls connect(2) with a socket of another type. The socket of a live process answers
// with EPROTOTYPE, that of a dead one with ECONNREFUSED. A real connection would have to be
// accepted, and might confuse a simple program. A process that has bound its socket and does
// not listen yet counts as alive.
func Alive(path string) (bool, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer syscall.Close(fd)
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
	switch {
	case err == nil, errors.Is(err, syscall.EPROTOTYPE):
		return true, nil
	case Missing(err):
		return false, nil
	}
	return false, &os.PathError{Op: "connect", Path: path, Err: err}
}
