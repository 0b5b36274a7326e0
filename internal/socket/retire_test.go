package socket

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Whoever is in the queue when the listener leaves is served; whoever comes later finds
// nobody, at once.
func TestRetire(t *testing.T) {
	dir := hometest.Dir(t)
	path := filepath.Join(dir, "a.sock")
	l := listen(t, path)
	var queued []*net.UnixConn
	for range 3 {
		conn, err := Dial(soon(t), path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		queued = append(queued, conn)
	}
	found := filepath.Join(dir, "found") // as a caller has it who looked just before
	if err := os.Link(path, found); err != nil {
		t.Fatal(err)
	}
	if err := l.Retire(); err != nil {
		t.Fatal(err)
	}
	if conn, err := Dial(soon(t), path); !Missing(err) {
		t.Errorf("dialled after it left: %v, %v", conn, err)
	}
	if conn, err := net.Dial("unix", found); !Missing(err) {
		t.Errorf("dialled by one who had found the file: %v, %v", conn, err)
	}
	for i := range queued {
		conn, err := l.AcceptQueued()
		if err != nil {
			t.Fatalf("caller %d of the queue: %v", i, err)
		}
		conn.Close()
	}
	if conn, err := l.AcceptQueued(); !errors.Is(err, ErrEmpty) {
		t.Errorf("behind the queue: %v, %v", conn, err)
	}
	next := listen(t, path)
	l.Close()
	if !answers(t, next, path) {
		t.Error("the one that left took the next one's socket with it")
	}
}
