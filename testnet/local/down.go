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

// patience is how long a stem may take to end once it is asked to. It lets its calls go
// on for some seconds.
const patience = 10 * time.Second

// Down ends the testnet's stems and their cells, and removes the testnet. What runs
// elsewhere is left alone, and so is what others have put into its directory. If it
// fails, Down may be called again.
func (n *Net) Down(ctx context.Context) error {
	lock, err := claim(n.Dir)
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
		return err // its homes are needed to find what runs
	}
	return n.remove()
}

// end ends the node's stem, so that nothing grows any more, and then its cells.
func (n Node) end(ctx context.Context) error {
	if _, err := os.Stat(n.Home.String()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := n.Stop(ctx); err != nil {
		return err
	}
	return process.StopAll(ctx, n.Home)
}

// Stop asks the node's stem to end, and ends it if it has not within some seconds. It
// returns once no stem lives in the home; it is no error if none did. Its cells are left
// alone.
func (n Node) Stop(ctx context.Context) error { return n.signal(ctx, syscall.SIGTERM) }

// Kill ends the node's stem without asking.
func (n Node) Kill(ctx context.Context) error { return n.signal(ctx, syscall.SIGKILL) }

// signal sends the stem that lives in the home the signal, and SIGKILL if it takes too
// long. There is one for as long as the home's lock is held, and the kernel says which
// process it is: the one that listens at its door.
func (n Node) signal(ctx context.Context, signal syscall.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, patience+5*time.Second)
	defer cancel()
	began, pid, told := time.Now(), 0, syscall.Signal(0)
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		left, err := n.left(pid)
		if !left || err != nil {
			return err
		}
		if time.Since(began) > patience {
			signal = syscall.SIGKILL
		}
		if listener := n.listener(ctx); listener != 0 && (listener != pid || told != signal) {
			if err := syscall.Kill(listener, signal); err != nil && err != syscall.ESRCH {
				return fmt.Errorf("process %d: %w", listener, err)
			}
			pid, told = listener, signal
		}
		if socket.Pause(ctx, pause) != nil {
			by, _ := os.ReadFile(n.Home.StemLock())
			return fmt.Errorf("its stem, process %s, does not end: %w",
				strings.TrimSpace(string(by)), ctx.Err())
		}
	}
}

// left says whether a stem lives in the home, or the one that was told to end, by its
// number, is still on its way.
func (n Node) left(pid int) (bool, error) {
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
	wait(pid, 0) // it may be our child
	return false, nil
}

// listener is the process that listens at the stem's door, or 0.
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

// remove removes what Up made, its record last, so that what is left after an error is a
// testnet yet.
func (n *Net) remove() error {
	errs := []error{os.RemoveAll(n.bin())}
	for _, node := range n.Nodes {
		errs = append(errs, os.RemoveAll(node.Home.String()))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := os.Remove(record(n.Dir)); err != nil {
		return err
	}
	os.Remove(filepath.Join(n.Dir, "testnet.lock"))
	os.Remove(n.Dir) // unless somebody keeps something there
	return nil
}
