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

// Start runs a node's stem, which does not run, and returns when it answers. The stem
// outlives this process. If it fails, or ctx ends first, the stem has been ended.
func (n *Net) Start(ctx context.Context, node Node) (err error) {
	log, err := os.OpenFile(node.log(), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	cmd := exec.Command(n.Cell(), "up")
	cmd.Env = os.Environ()
	for key, value := range n.Vars(node) {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Dir = node.Home.String() // so that it keeps no other directory busy
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of this terminal's signals
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Process.Release()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := node.await(ctx, cmd.Process.Pid); err != nil {
		cmd.Process.Kill()
		wait(cmd.Process.Pid, 0)
		said, _ := io.ReadAll(io.LimitReader(io.NewSectionReader(log, from, 1<<16), 1<<16))
		return fmt.Errorf("%s: %w\n%s", node.Name, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// log is what the node's stem prints. It has a name that no cell can have, and the stem
// bounds it as it does the cells' logs.
func (n Node) log() string { return filepath.Join(n.Home.LogDir(), "stem.up.log") }

// await waits until the stem answers, which is our child yet. Neither it nor the kernel
// tells when that is, nor can its end be waited for by the same means, so both are looked
// at again and again.
func (n Node) await(ctx context.Context, pid int) error {
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		if status, ended := wait(pid, syscall.WNOHANG); ended {
			return fmt.Errorf("its stem ended at its start: exit status %d", status.ExitStatus())
		}
		s, err := n.Ask(ctx)
		if err == nil && s.PID == pid {
			return nil
		}
		if err == nil {
			return fmt.Errorf("another stem answers there, process %d", s.PID)
		}
		if socket.Pause(ctx, pause) != nil {
			return errors.Join(fmt.Errorf("its stem does not answer: %w", err), context.Cause(ctx))
		}
	}
}

// wait learns that a child has ended. With WNOHANG it does not wait for that.
func wait(pid, options int) (status syscall.WaitStatus, ended bool) {
	for {
		got, err := syscall.Wait4(pid, &status, options, nil)
		if err != syscall.EINTR {
			return status, err == nil && got == pid
		}
	}
}
