package pipe

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Why a call was cut is told in a few words, without the paths and ports of the
// connection, and stays what it is to programs.
func TestPlain(t *testing.T) {
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.DialUnix("unix", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Unix(1, 0))
	_, err = conn.Read(make([]byte, 1))
	expect(t, err, "read: i/o timeout", os.ErrDeadlineExceeded)
	far.Close()
	_, err = conn.Write([]byte("x"))
	expect(t, err, "write: broken pipe", syscall.EPIPE)
	expect(t, ErrAborted, "the other end broke off", ErrAborted)
}

func expect(t *testing.T, err error, text string, is error) {
	t.Helper()
	if got := plain(err); got.Error() != text || !errors.Is(got, is) {
		t.Errorf("of %v is made %q, want %q, which is %v", err, got, text, is)
	}
}
