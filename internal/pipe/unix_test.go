package pipe_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

// A process that closes with input unread makes the kernel say ECONNRESET. What it wrote
// is whole, and comes first.
func TestUnixClosedWithInputUnread(t *testing.T) {
	a, b := unixPair(t)
	write(t, a, "unread")
	write(t, b, "answer")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	wantAll(t, a, "answer")
	if _, err := a.Write([]byte("x")); !errors.Is(err, pipe.ErrStopped) {
		t.Errorf("write: %v, want ErrStopped", err)
	}
	if err := errors.Join(a.CloseWrite(), a.CloseRead(), a.Close()); err != nil {
		t.Errorf("ending what has ended: %v", err)
	}
}

// The kernel may tell the reset to the writer instead; the reader must not miss the answer for it.
func TestUnixResetSeenByTheWriter(t *testing.T) {
	a, b := unixPair(t)
	write(t, a, "unread")
	write(t, b, "answer")
	b.Close()
	for range 2 {
		if _, err := a.Write([]byte("x")); !errors.Is(err, pipe.ErrStopped) {
			t.Errorf("write: %v, want ErrStopped", err)
		}
	}
	wantAll(t, a, "answer")
}

func TestUnixCloseRead(t *testing.T) {
	a, b := unixPair(t)
	if err := b.CloseRead(); err != nil {
		t.Error(err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, pipe.ErrStopped) {
		t.Errorf("write: %v, want ErrStopped", err)
	}
	write(t, b, "still here")
	closeWrite(t, b)
	wantAll(t, a, "still here")
}

// An error that is neither an end nor a stop is a cut, and keeps its identity.
func TestUnixDeadline(t *testing.T) {
	a, _ := unixPair(t)
	if err := a.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Error(err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
}

// Abort ends what waits, at both ends.
func TestUnixAbort(t *testing.T) {
	a, b := unixPair(t)
	done := make(chan error)
	go func() {
		_, err := a.Read(make([]byte, 1))
		done <- err
	}()
	a.Abort(errors.New("gone"))
	if err := <-done; err == nil || err == io.EOF {
		t.Errorf("the aborted end reads %v", err)
	}
	wantAll(t, b, "") // as orderly as a Unix socket can tell
}
