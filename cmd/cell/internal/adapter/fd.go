package adapter

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/cell-mesh/cell/internal/cellsocket"
	"github.com/cell-mesh/cell/internal/dna"
)

// firstFD is the file descriptor that a program in mode FD finds its socket at:
// SD_LISTEN_FDS_START.
const firstFD = 3

// vacated says, in the environment of the second of us, that file descriptor 3 is nobody's.
const vacated = "CELL_WRAP_VACATED"

// become listens and has the program take this process's place, with the socket as file
// descriptor 3: that way LISTEN_PID is right, and whoever asks who holds the socket is
// told the program. Callers may come from then on; they are in the queue when the program
// first accepts. It returns only on failure.
func (w Wrapper) become(path string) error {
	if err := vacate(); err != nil {
		return fmt.Errorf("make room for the socket: %w", err)
	}
	if w.Settings.Dir != "" {
		if err := os.Chdir(w.Settings.Dir); err != nil {
			return err
		}
	}
	l, err := cellsocket.As(w.Home, w.Cell, 0)
	if err != nil {
		return err
	}
	file, err := l.File()
	if err != nil {
		return err
	}
	env, err := w.environ(vacated, "LISTEN_FDS=1", "LISTEN_PID="+strconv.Itoa(os.Getpid()),
		"LISTEN_FDNAMES="+w.Cell.String())
	if err == nil {
		err = dup(int(file.Fd()), firstFD)
	}
	if err == nil {
		err = syscall.SetNonblock(firstFD, false) // as systemd does
	}
	if err == nil {
		err = syscall.Exec(path, w.Program, env)
	}
	l.Close() // those in the queue read an end; whoever comes next has us started anew
	return fmt.Errorf("execute %s: %w", path, err)
}

// vacate sees to it that file descriptor 3 may be replaced. In a Go program it is mostly
// the runtime's own, which must not vanish under it; but the runtime of the next program
// knows nothing of what it was. So we execute ourselves, and keep whatever it is open
// meanwhile, so that nothing else takes the number.
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
			break // so that 3 is open, by whomever; the others end with us
		}
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, firstFD, syscall.F_SETFD, 0); errno != 0 {
		return errno
	}
	env := dna.Settings{}.Environ(vacated + "=1")
	return syscall.Exec(self, os.Args, env)
}
