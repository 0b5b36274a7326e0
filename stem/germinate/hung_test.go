package germinate

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// hang makes a cell that never accepts, and fills its queue.
func hang(t *testing.T, h home.Home, cell string) {
	t.Helper()
	path, err := h.Socket(name(cell))
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		t.Cleanup(func() { syscall.Close(fd) })
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	once, cancel := context.WithCancel(context.Background())
	cancel()
	for range 1000 {
		var conn *net.UnixConn
		if conn, err = socket.Dial(once, path); err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("the queue cannot be filled on this system")
}

// A hung cell is alive: it is not started again, and Running does not hang.
func TestHungCellCountsAsRunning(t *testing.T) {
	f := newFactoryWith(t, "echo")
	hang(t, f.home, "hung")
	mustTalk(t, f, "echo")
	if got := fmt.Sprint(f.Running()); got != "[echo hung]" {
		t.Errorf("running: %s", got)
	}
	if err := f.Germinate(t.Context(), name("hung"), user); err != nil {
		t.Errorf("germinate: %v", err)
	}
	wantStarts(t, f.home, 1)
}

// Callers of a hung cell get an error after a timeout.
func TestCallersOfAHungCellAreLetGo(t *testing.T) {
	h := stemtest.Home(t, "hung")
	hang(t, h, "hung")
	synctest.Test(t, func(t *testing.T) {
		f := New(h, testID(1), "", nil)
		since := time.Now()
		_, err := f.Connect(context.Background(), name("hung"), user)
		wantRefusal(t, err, wire.Failed, "busy")
		if took := time.Since(since); took != acceptTimeout {
			t.Errorf("it took %v, want %v", took, acceptTimeout)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := New(h, testID(1), "", nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		since := time.Now()
		_, err := f.Connect(ctx, name("hung"), peer(2))
		wantRefusal(t, err, wire.Failed)
		if took := time.Since(since); took != time.Second {
			t.Errorf("with a timeout of 1s it took %v", took)
		}
	})
}
