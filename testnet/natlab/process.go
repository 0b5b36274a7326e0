//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killWait is how long a killed process may take to be gone.
const killWait = 10 * time.Second

// kill ends every program inside and returns when none is left. Zombies, for which
// someone else has to wait, do not count.
func (n namespace) kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), killWait)
	defer cancel()
	for {
		pids, err := n.pids()
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			if err := endProcess(ctx, pid); err != nil {
				return fmt.Errorf("kill process %d in %s: %w", pid, n, err)
			}
		}
	}
}

// pids are the processes inside, without our own, one of whose threads may be there.
func (n namespace) pids() (pids []int, err error) {
	if _, err := os.Stat(n.path()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	out, err := output("", "ip", "netns", "pids", string(n))
	for _, field := range strings.Fields(out) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids, err
}

// endProcess kills a process, which may be nobody's child any more, and waits for its end.
func endProcess(ctx context.Context, pid int) error {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil &&
		!errors.Is(err, syscall.ESRCH) {
		return err
	}
	deadline, _ := ctx.Deadline()
	ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ended, int(time.Until(deadline).Milliseconds()))
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case n == 0:
			return errors.New("it does not end")
		default:
			return nil
		}
	}
}
