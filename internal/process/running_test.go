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

// TestMain holds a socket and does nothing else, if the environment says so.
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

// The process that holds a socket is found without its noticing, also when it bound it
// under another name.
func TestListIsNotNoticed(t *testing.T) {
	h, cell, path := madeHome(t)
	if cells := List(h); len(cells) != 0 {
		t.Errorf("nothing runs, and %v does", cells)
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
		t.Errorf("it was noticed by %v", conn)
	}
	l.UnixListener.Close() // which leaves the file
	if cells := List(h); len(cells) != 0 {
		t.Errorf("a dead socket runs: %v", cells)
	}
}

// Stop returns once the process has ended, even if its parent has not noticed yet.
func TestStop(t *testing.T) {
	h, cell, path := madeHome(t)
	if _, err := Stop(t.Context(), h, cell); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nothing to stop: %v", err)
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
		t.Error("somebody answers")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// What is being started is waited for, and never said not to run; and its socket is left
// to whoever starts it.
func TestStopWhileItStarts(t *testing.T) {
	h, cell, path := madeHome(t)
	lock, err := socket.TryLock(h.Lock(cell))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Stop(ctx, h, cell); !errors.Is(err, ErrStarting) {
		t.Errorf("of a cell that is being started: %v", err)
	}
	hometest.Write(t, path, "")
	if err := sweep(h, cell); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("it was swept away under the lock of another: %v", err)
	}
	lock.Unlock()
	if _, err := Stop(t.Context(), h, cell); !errors.Is(err, ErrNotRunning) {
		t.Errorf("of one whose start has failed: %v", err)
	}
	os.RemoveAll(h.RunDir())
	if err := sweep(h, cell); err != nil {
		t.Errorf("in a home that has gone: %v", err)
	}
}

// A process does not stop itself by accident.
func TestStopRefusesItself(t *testing.T) {
	h, cell, path := madeHome(t)
	l, err := socket.Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Stop(t.Context(), h, cell); err == nil {
		t.Error("this process is to end")
	}
}
