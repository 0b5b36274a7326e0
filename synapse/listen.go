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

// ErrInUse is what Listen fails with when a live cell of that name is already there.
var ErrInUse = socket.ErrInUse

// ErrIdle is what Accept fails with when the cell has left because nobody used it, as
// Idle has it. It is a net.ErrClosed, too.
var ErrIdle = cellsocket.ErrIdle

// Option is how a cell listens.
type Option func(*options)

type options struct{ idle time.Duration }

// Idle has the cell leave when there was no call for that long: its socket goes, and
// Accept fails with ErrIdle. A call that arrives at that moment is not lost: it is
// accepted still, and Accept waits until it has ended, or the cell is started anew for
// it. A call counts until its Conn is closed.
func Idle(d time.Duration) Option { return func(o *options) { o.idle = d } }

// Listen makes this process the cell of that name. It takes the place of a dead one, and
// fails with ErrInUse at a live one. Accepted connections are *Conn whose RemoteAddr is a
// Caller. Closing the listener removes its socket.
func Listen(name string, how ...Option) (net.Listener, error) {
	l, err := listenAs(name, how)
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", name, err)
	}
	return l, nil
}

func listenAs(name string, how []Option) (*listener, error) {
	var o options
	for _, option := range how {
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
