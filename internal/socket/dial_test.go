package socket

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// Only these two mean that nobody is there; anything else must not start a second cell.
func TestMissing(t *testing.T) {
	dir := hometest.Dir(t)
	if _, err := Dial(soon(t), filepath.Join(dir, "none.sock")); !Missing(err) ||
		!errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	path := filepath.Join(dir, "dead.sock")
	sockettest.Dead(t, path)
	if _, err := Dial(soon(t), path); !Missing(err) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a dead socket: %v", err)
	}
	for _, err := range []error{nil, syscall.EAGAIN, syscall.EACCES, syscall.ENOTDIR,
		context.Canceled} {
		if Missing(err) {
			t.Errorf("Missing(%v)", err)
		}
	}
}

// A cell that is slow to accept is alive: a caller waits as long as it likes, and then
// learns that it was busy.
func TestDialWaitsForABusyListener(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	busy := full(t, path)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, path); Missing(err) || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("while the queue is full: %v", err)
	}

	done := make(chan error)
	go func() {
		conn, err := Dial(soon(t), path)
		if err == nil {
			conn.Close()
		}
		done <- err
	}()
	accepted, err := busy.AcceptUnix() // makes room
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if err := <-done; err != nil {
		t.Errorf("when there is room: %v", err)
	}
}

// Pauses double from the first to 20 ms, and end with the context.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start, tries := time.Now(), 0
		_, err := retry(ctx, "", func() (*net.UnixConn, error) {
			tries++
			return nil, syscall.EAGAIN
		})
		if took := time.Since(start); took != time.Second || !errors.Is(err, syscall.EAGAIN) {
			t.Errorf("ended after %v: %v", took, err)
		}
		if tries < 50 || tries > 60 { // 8 to get to 20 ms, then 50 a second
			t.Errorf("%d tries in a second", tries)
		}
	})
}

// full returns a listener that has no room for another caller.
func full(t *testing.T, path string) *Listener {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("where a full queue is not EAGAIN, it can't be told from a dead socket")
	}
	l := listen(t, path)
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }) // the queue holds one
	if err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, syscall.EAGAIN) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
}
