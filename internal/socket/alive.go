package socket

import (
	"errors"
	"os"
	"syscall"
)

// Alive says whether a process holds the socket at path, without its noticing: connect(2)
// with a socket of another type is refused with EPROTOTYPE by a live process's socket,
// and with ECONNREFUSED by one left behind by a dead process. A real connection would
// have to be accepted, and a simple program may well stumble over one that says nothing.
// A live process that does not listen yet is alive, too.
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
