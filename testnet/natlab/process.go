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

// killTimeout bounds how long killed processes may take to end.
const killTimeout = 10 * time.Second

// kill kills all programs in the namespace and waits for them. It ignores zombies, which
// their parents have to wait for.
func (n namespace) kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
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

// pids returns the processes in the namespace, except this one, which may have a thread there.
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

// endProcess kills a process and waits for it. It need not be a child of this one.
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
