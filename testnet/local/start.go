package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// readyTimeout bounds how long a stem may take to start on a loaded machine.
const readyTimeout = time.Minute

// Start starts the stem of a node that does not run, and returns when it answers. The stem
// outlives this process. If Start fails or ctx ends first, no stem is left running.
func (n *Net) Start(ctx context.Context, node Node) error {
	cmd := exec.Command(n.Cell(), "up")
	cmd.Env = os.Environ()
	for key, value := range n.Vars(node) {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	_, err := node.Start(ctx, cmd)
	return err
}

// Start runs a command that is a stem in the node's home, and returns its status when it
// answers. Its output is appended to a log in the home. If Start fails or ctx ends first,
// no stem is left running.
func (n Node) Start(ctx context.Context, cmd *exec.Cmd) (s Status, err error) {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return s, err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return s, err
	}
	cmd.Dir = n.Home.String() // keeps no other directory busy
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // the terminal's signals don't reach it
	if err := cmd.Start(); err != nil {
		return s, err
	}
	defer cmd.Process.Release()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if s, err = n.await(ctx, cmd.Process.Pid); err != nil {
		cmd.Process.Kill()
		wait(cmd.Process.Pid, 0)
		said, _ := io.ReadAll(io.LimitReader(io.NewSectionReader(log, from, 1<<16), 1<<16))
		return s, fmt.Errorf("%s: %w\n%s", n.Name, err, strings.TrimSpace(string(said)))
	}
	return s, nil
}

// log is the file for the stem's output. No cell can have its name. The stem limits its
// size, as it does for the cells' logs.
func (n Node) log() string { return filepath.Join(n.Home.LogDir(), "stem.up.log") }

// await waits until the stem, a child of this process, answers. Nothing signals that, and
// its exit can't be waited for at the same time, so both are polled.
func (n Node) await(ctx context.Context, pid int) (Status, error) {
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		if status, ended := wait(pid, syscall.WNOHANG); ended {
			return Status{}, fmt.Errorf("its stem exited at startup: exit status %d",
				status.ExitStatus())
		}
		s, err := n.Ask(ctx)
		if err == nil && s.PID == pid {
			return s, nil
		}
		if err == nil {
			return Status{}, fmt.Errorf("another stem answers there: process %d", s.PID)
		}
		if socket.Pause(ctx, pause) != nil {
			return Status{}, errors.Join(fmt.Errorf("its stem does not answer: %w", err),
				context.Cause(ctx))
		}
	}
}

// wait collects the exit status of a child. With WNOHANG it does not block.
func wait(pid, options int) (status syscall.WaitStatus, ended bool) {
	for {
		got, err := syscall.Wait4(pid, &status, options, nil)
		if err != syscall.EINTR {
			return status, err == nil && got == pid
		}
	}
}
