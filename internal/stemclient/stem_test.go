package stemclient

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// stem stands in for the daemon, speaking raw bytes: serve is called for every
// connection, which is closed behind it.
func stem(t *testing.T, serve func(*conn)) home.Home {
	t.Helper()
	h := hometest.New(t)
	sockettest.Listen(t, h.StemSocket(), func(c net.Conn) { serve(&conn{c}) })
	return h
}

type conn struct{ net.Conn }

func (c *conn) say(text string) { io.WriteString(c, text) }

func (c *conn) request() string { return sockettest.Line(c) }

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
