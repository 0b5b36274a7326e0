package adapter

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/cell-mesh/cell/internal/cellsocket"
	"github.com/cell-mesh/cell/internal/dna"
)

// firstFD is the file descriptor of the socket in mode FD: SD_LISTEN_FDS_START.
const firstFD = 3

// vacated marks, in the environment, that this process has executed itself: see vacate.
const vacated = "CELL_WRAP_VACATED"

// become listens, and replaces this process with the program, with the socket as file
// descriptor 3. So LISTEN_PID is right, and the program is the process that holds the socket.
// Calls that come before the program accepts wait in the queue. become returns only on
// failure.
func (a Adapter) become(path string) error {
	if err := vacate(); err != nil {
		return fmt.Errorf("free file descriptor 3: %w", err)
	}
	if a.Settings.Dir != "" {
		if err := os.Chdir(a.Settings.Dir); err != nil {
			return err
		}
	}
	l, err := cellsocket.As(a.Home, a.Cell, 0)
	if err != nil {
		return err
	}
	file, err := l.File()
	if err != nil {
		return err
	}
	env, err := a.environ(vacated, "LISTEN_FDS=1", "LISTEN_PID="+strconv.Itoa(os.Getpid()),
		"LISTEN_FDNAMES="+a.Cell.String())
	if err == nil {
		err = dup(int(file.Fd()), firstFD)
	}
	if err == nil {
		err = syscall.SetNonblock(firstFD, false) // as systemd does
	}
	if err == nil {
		err = syscall.Exec(path, a.Program, env)
	}
	l.Close() // queued callers read an end; the next call starts the cell again
	return fmt.Errorf("execute %s: %w", path, err)
}

// vacate makes file descriptor 3 available. In a Go program, the runtime often uses it, and
// replacing it would break the runtime. So the process executes itself with descriptor 3 open:
// the new runtime does not use that number, and nothing else takes it.
func vacate() error {
	if os.Getenv(vacated) == "1" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for {
		fd, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if fd >= firstFD {
			break // now 3 is open; the other ones close on exec
		}
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, firstFD, syscall.F_SETFD, 0); errno != 0 {
		return errno
	}
	env := dna.Settings{}.Environ(vacated + "=1")
	return syscall.Exec(self, os.Args, env)
}
