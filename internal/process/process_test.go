package process

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket"
)

// TestMain only holds a socket if RUNNING_TEST_SOCKET is set.
func TestMain(m *testing.M) {
	if path := os.Getenv("RUNNING_TEST_SOCKET"); path != "" {
		if _, err := socket.Listen(path, ""); err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("ready\n")
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func madeHome(t *testing.T) (home.Home, address.Name, string) {
	t.Helper()
	h, cell := hometest.New(t), addresstest.Name("greet")
	path, _ := h.Socket(cell)
	return h, cell, path
}

// List finds the process that holds a socket, and the process does not notice, even if it
// bound the socket under another name.
func TestListIsNotNoticed(t *testing.T) {
	h, cell, path := madeHome(t)
	if cells := List(h); len(cells) != 0 {
		t.Errorf("List returned %v, and no cell is running", cells)
	}
	l, err := socket.Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	cells := List(h)
	if len(cells) != 1 || cells[0].Name != cell || cells[0].PID != os.Getpid() ||
		cells[0].Memory < 1<<20 || time.Since(cells[0].Since) > time.Minute {
		t.Errorf("got %+v, want this process, %d", cells, os.Getpid())
	}
	l.SetDeadline(time.Now().Add(20 * time.Millisecond))
	if conn, err := l.Accept(); err == nil {
		t.Errorf("List connected to the cell: %v", conn)
	}
	l.UnixListener.Close() // leaves the file
	if cells := List(h); len(cells) != 0 {
		t.Errorf("List returned %v for a dead socket", cells)
	}
}

// Stop returns once the process has ended, even if its parent has not waited for it.
func TestStop(t *testing.T) {
	h, cell, path := madeHome(t)
	if _, err := Stop(t.Context(), h, cell); !errors.Is(err, ErrNotRunning) {
		t.Errorf("stopped a cell that is not running: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "RUNNING_TEST_SOCKET="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if _, err := io.ReadFull(out, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if killed, err := Stop(t.Context(), h, cell); killed || err != nil ||
		time.Since(began) > 4*time.Second {
		t.Errorf("%v, %v after %v", killed, err, time.Since(began))
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		t.Error("the cell still answers")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// Stop waits for a cell that is being started, instead of reporting that it is not running.
// It leaves the socket to the process that starts the cell.
func TestStopWhileItStarts(t *testing.T) {
	h, cell, path := madeHome(t)
	lock, err := socket.TryLock(h.Lock(cell))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Stop(ctx, h, cell); !errors.Is(err, ErrStarting) {
		t.Errorf("a cell that is being started: %v", err)
	}
	hometest.Write(t, path, "")
	if err := sweep(h, cell); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the socket was removed while another process held the lock: %v", err)
	}
	lock.Unlock()
	if _, err := Stop(t.Context(), h, cell); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a cell that failed to start: %v", err)
	}
	os.RemoveAll(h.RunDir())
	if err := sweep(h, cell); err != nil {
		t.Errorf("in a home that was removed: %v", err)
	}
}

// A process that is the cell does not stop itself.
func TestStopRefusesItself(t *testing.T) {
	h, cell, path := madeHome(t)
	l, err := socket.Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Stop(t.Context(), h, cell); err == nil {
		t.Error("Stop did not refuse to stop this process")
	}
}
