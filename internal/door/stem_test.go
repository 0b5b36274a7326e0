package door

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// stem stands in for the daemon, speaking raw bytes: serve is called for every connection, which is closed behind it.
func stem(t *testing.T, serve func(*conn)) home.Home {
	t.Helper()
	h := hometest.New(t)
	l, err := net.Listen("unix", h.StemSocket())
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			serving.Go(func() { defer c.Close(); serve(&conn{c}) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return h
}

type conn struct{ net.Conn }

func (c *conn) say(text string) { io.WriteString(c, text) }

// request reads a line, with its newline, and not a byte more.
func (c *conn) request() (line string) {
	for one := make([]byte, 1); one[0] != '\n'; line += string(one) {
		if _, err := c.Read(one); err != nil {
			return line
		}
	}
	return line
}

// dead leaves the socket of a stem that was killed.
func dead(t *testing.T, h home.Home) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.StemSocket(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// loop puts something in the place of the socket that nobody can open, not even root.
func loop(t *testing.T, h home.Home) {
	t.Helper()
	if err := os.Symlink(h.StemSocket(), h.StemSocket()); err != nil {
		t.Fatal(err)
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
