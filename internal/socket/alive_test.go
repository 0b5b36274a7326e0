package socket

import (
	"context"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// Whether a process is there must be found out without its noticing: a program that
// answers one caller after the other would answer a connection that was only a question.
func TestAliveIsNotNoticed(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	want := func(when string, want bool) {
		t.Helper()
		if alive, err := Alive(path); alive != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", when, alive, err, want)
		}
	}
	want("no file", false)
	l := listen(t, path)
	want("listening", true)
	// what has come has come: a Unix connection stands as soon as connect returns
	l.SetDeadline(time.Now())
	if conn, err := l.Accept(); err == nil {
		t.Errorf("it was noticed by %v", conn)
	}
	l.UnixListener.Close()
	want("left behind", false)
}

// A program that has bound its socket and does not listen yet is alive, and whoever dials
// it waits until it does.
func TestDialWaitsForListen(t *testing.T) {
	path := filepath.Join(hometest.Dir(t), "a.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if alive, err := Alive(path); !alive || err != nil {
		t.Errorf("bound: %v, %v", alive, err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(brief, path); err == nil || Missing(err) {
		t.Errorf("it does not listen: %v", err)
	}
	dialled := make(chan error, 1)
	go func() {
		var conn *net.UnixConn
		conn, err := Dial(soon(t), path)
		if err == nil {
			conn.Close()
		}
		dialled <- err
	}()
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	if err := <-dialled; err != nil {
		t.Errorf("once it listens: %v", err)
	}
}
