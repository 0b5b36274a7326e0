package synapse

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// ErrInUse is what Listen fails with when a live cell of that name is already there.
var ErrInUse = socket.ErrInUse

// lockTimeout is how long Listen waits while somebody else starts the same cell; longer than most cells take.
const lockTimeout = 15 * time.Second

// Listen makes this process the cell of that name. It takes the place of a dead one, and fails with ErrInUse
// at a live one. Accepted connections are *Conn whose RemoteAddr is a Caller. Closing the listener removes its socket.
func Listen(name string) (net.Listener, error) {
	inner, err := listen(name)
	if err != nil {
		return nil, fmt.Errorf("listen as %s: %w", name, err)
	}
	return &listener{inner}, nil
}

func listen(name string) (*socket.Listener, error) {
	cell, err := address.ParseName(name)
	if err != nil {
		return nil, err
	}
	h, err := home.Default()
	if err != nil {
		return nil, err
	}
	if err := h.Make(); err != nil {
		return nil, err
	}
	path, err := h.Socket(cell)
	if err != nil {
		return nil, err
	}
	if startedByStem(name) {
		return socket.Listen(path, h.Lock(cell))
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock, err := socket.WaitLock(ctx, h.Lock(cell))
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return socket.Listen(path, h.Lock(cell))
}

// startedByStem says whether the stem holds the name's lock on our behalf while it waits for us to listen.
// It does so once: a process that listens again has to take the lock itself.
func startedByStem(name string) bool {
	started := os.Getenv("CELL_STARTED") == "1" && os.Getenv("CELL_NAME") == name
	if started {
		os.Unsetenv("CELL_STARTED")
	}
	return started
}

type listener struct{ inner *socket.Listener }

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.inner.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return &Conn{unix: conn, remote: callerOf(conn)}, nil
}

func (l *listener) Close() error   { return l.inner.Close() }
func (l *listener) Addr() net.Addr { return l.inner.Addr() }
