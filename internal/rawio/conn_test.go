package rawio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// pair makes both ends of a connection over TCP or a Unix socket.
func pair(network, addr string) (a, b net.Conn, err error) {
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if a, err = net.Dial(network, l.Addr().String()); err != nil {
		return nil, nil, err
	}
	b, err = l.Accept()
	return a, b, err
}

func overSockets(t *testing.T, test func(t *testing.T, pair func() (a, b net.Conn, err error))) {
	t.Run("tcp", func(t *testing.T) {
		test(t, func() (a, b net.Conn, err error) { return pair("tcp", "127.0.0.1:0") })
	})
	t.Run("unix", func(t *testing.T) {
		test(t, func() (a, b net.Conn, err error) {
			return pair("unix", filepath.Join(t.TempDir(), "s"))
		})
	})
}

// It behaves like any net.Conn: deadlines, Close during a Read, concurrent Reads and Writes.
func TestConn(t *testing.T) {
	overSockets(t, func(t *testing.T, pair func() (a, b net.Conn, err error)) {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			a, b, err := pair()
			if err != nil {
				return nil, nil, nil, err
			}
			if _, ok := New(a).(*rawConn); !ok {
				return nil, nil, nil, errors.New("New returned the socket unchanged")
			}
			return New(a), New(b), func() { a.Close(); b.Close() }, nil
		})
	})
}

// A write larger than the socket's buffer waits for room, and all of it arrives.
func TestLargeWrite(t *testing.T) {
	overSockets(t, func(t *testing.T, pair func() (a, b net.Conn, err error)) {
		a, b, err := pair()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		data := make([]byte, 16<<20)
		for i := range data {
			data[i] = byte(i >> 8)
		}
		wrote := make(chan error, 1)
		go func() {
			n, err := New(a).Write(data)
			if n != len(data) {
				err = errors.Join(err, io.ErrShortWrite)
			}
			a.Close()
			wrote <- err
		}()
		b.SetDeadline(time.Now().Add(time.Minute))
		if got, err := io.ReadAll(New(b)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("read %d bytes of %d, %v", len(got), len(data), err)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

// Errors wrap the same causes as those of package net.
func TestErrors(t *testing.T) {
	overSockets(t, func(t *testing.T, pair func() (a, b net.Conn, err error)) {
		a, b, err := pair()
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		c := New(a)
		var one [1]byte
		a.SetDeadline(time.Unix(1, 0))
		_, read := c.Read(one[:])
		_, write := c.Write(one[:])
		for operation, err := range map[string]error{"read": read, "write": write} {
			if !errors.Is(err, os.ErrDeadlineExceeded) || !os.IsTimeout(err) ||
				!strings.HasPrefix(err.Error(), operation+" ") {
				t.Errorf("%s after the deadline: %v", operation, err)
			}
		}
		a.SetDeadline(time.Time{})
		b.Close()
		if n, err := c.Read(one[:]); n != 0 || err != io.EOF {
			t.Errorf("read at the end: %d, %v", n, err)
		}
		for err = nil; err == nil; {
			_, err = c.Write(one[:])
		}
		var sys *os.SyscallError
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) ||
			!errors.As(err, &sys) {
			t.Errorf("write to a closed peer: %v", err)
		}
		a.Close()
		if _, err := c.Write(one[:]); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write after Close: %v", err)
		}
	})
}

// What is not a socket is returned unchanged.
func TestNewOfSomethingElse(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if New(a) != a {
		t.Error("it was wrapped")
	}
}
