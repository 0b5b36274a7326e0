package synapse

import (
	"fmt"
	"net"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/cellsocket"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/stemclient"
)

// ErrInUse is returned by Listen if a cell of that name is already running.
var ErrInUse = socket.ErrInUse

// ErrIdle is returned by Accept after the time given to Idle has passed without a call. It
// matches net.ErrClosed, too.
var ErrIdle = cellsocket.ErrIdle

// Option changes how Listen works.
type Option func(*options)

type options struct{ idle time.Duration }

// Idle makes the cell stop listening after d without a call: its socket is removed, and
// Accept fails with ErrIdle, so that the program can exit. The next call starts the cell
// again. No call is lost: one that arrives at the last moment is either accepted, and
// Accept waits until it has ended, or starts the cell again. A call lasts until its Conn is
// closed.
func Idle(d time.Duration) Option { return func(o *options) { o.idle = d } }

// Listen makes this process the cell with the given name. It replaces the socket of a
// process that has died, and fails with ErrInUse if the cell is running. Accept returns
// connections of type *Conn, whose RemoteAddr is a Caller. Close removes the socket.
func Listen(name string, opts ...Option) (net.Listener, error) {
	l, err := listenAs(name, opts)
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", name, err)
	}
	return l, nil
}

func listenAs(name string, opts []Option) (*listener, error) {
	var o options
	for _, option := range opts {
		option(&o)
	}
	cell, err := address.ParseName(name)
	if err != nil {
		return nil, err
	}
	h, err := home.Default()
	if err != nil {
		return nil, err
	}
	inner, err := cellsocket.As(h, cell, o.idle)
	return &listener{h, inner}, err
}

type listener struct {
	home  home.Home
	inner *cellsocket.Listener
}

func (l *listener) Accept() (net.Conn, error) {
	conn, ended, err := l.inner.Accept()
	if err != nil {
		return nil, err
	}
	cut := func() { stemclient.Cut(l.home, conn.RemoteAddr().String()) }
	return &Conn{unix: conn, remote: callerOf(conn), cut: cut, closed: ended}, nil
}

func (l *listener) Close() error   { return l.inner.Close() }
func (l *listener) Addr() net.Addr { return l.inner.Addr() }
