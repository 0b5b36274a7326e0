package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/internal/socket"
)

// stopTimeout is how long a stem may take to end when asked to. It lets calls finish for a
// few seconds.
const stopTimeout = 10 * time.Second

// Down stops the testnet's stems and their cells, and removes the files that Up made. If it
// fails, it may be called again.
func (n *Net) Down(ctx context.Context) error {
	lock, err := lockNet(n.Dir)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	return n.down(ctx)
}

func (n *Net) down(ctx context.Context) error {
	var group errgroup.Group
	for _, node := range n.Nodes {
		group.Go(func() error {
			if err := node.end(ctx); err != nil {
				return fmt.Errorf("%s: %w", node.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err // keep the homes: they show what still runs
	}
	return n.remove()
}

// end stops the node's stem first, so that no more cells start, and then its cells.
func (n Node) end(ctx context.Context) error {
	if _, err := os.Stat(n.Home.String()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := n.Stop(ctx); err != nil {
		return err
	}
	return process.StopAll(ctx, n.Home)
}

// Stop asks the node's stem to end, kills it if it takes too long, and returns when it has
// ended. It does nothing if no stem runs. Cells keep running.
func (n Node) Stop(ctx context.Context) error { return n.signal(ctx, syscall.SIGTERM) }

// Kill kills the node's stem and returns when it has ended.
func (n Node) Kill(ctx context.Context) error { return n.signal(ctx, syscall.SIGKILL) }

// signal sends a signal to the stem of the home, and SIGKILL if it takes too long to end. A
// stem runs while the home's lock is held, and the kernel knows its PID: the process that
// listens on the stem's socket.
func (n Node) signal(ctx context.Context, signal syscall.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout+5*time.Second)
	defer cancel()
	began, pid, sent := time.Now(), 0, syscall.Signal(0)
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		running, err := n.running(pid)
		if !running || err != nil {
			return err
		}
		if time.Since(began) > stopTimeout {
			signal = syscall.SIGKILL
		}
		if listener := n.listener(ctx); listener != 0 && (listener != pid || sent != signal) {
			if err := syscall.Kill(listener, signal); err != nil && err != syscall.ESRCH {
				return fmt.Errorf("process %d: %w", listener, err)
			}
			pid, sent = listener, signal
		}
		if socket.Pause(ctx, pause) != nil {
			by, _ := os.ReadFile(n.Home.StemLock())
			return fmt.Errorf("its stem, process %s, does not end: %w",
				strings.TrimSpace(string(by)), ctx.Err())
		}
	}
}

// running reports whether a stem holds the home's lock, or the process that got the signal
// has not ended yet. pid is 0 if none has.
func (n Node) running(pid int) (bool, error) {
	lock, err := socket.TryLock(n.Home.StemLock())
	if errors.Is(err, socket.ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	lock.Unlock()
	if pid == 0 {
		return false, nil
	}
	if !process.Ended(pid) {
		return true, nil
	}
	wait(pid, 0) // it may be a child of this process
	return false, nil
}

// listener returns the PID of the process that listens on the stem's socket, or 0.
func (n Node) listener(ctx context.Context) int {
	conn, err := socket.Dial(ctx, n.Home.StemSocket())
	if err != nil {
		return 0
	}
	defer conn.Close()
	pid, _, err := socket.Owner(conn)
	if err != nil || pid == os.Getpid() {
		return 0
	}
	return pid
}

// remove removes what Up made, and testnet.toml last: until then, it is a testnet.
func (n *Net) remove() error {
	errs := []error{os.RemoveAll(n.bin())}
	for _, node := range n.Nodes {
		errs = append(errs, os.RemoveAll(node.Home.String()))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := os.Remove(configFile(n.Dir)); err != nil {
		return err
	}
	os.Remove(filepath.Join(n.Dir, "testnet.lock"))
	os.Remove(n.Dir) // fails if there are other files
	return nil
}
