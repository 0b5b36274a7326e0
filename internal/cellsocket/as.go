// Package cellsocket makes this process a cell. It binds the socket of the name, replaces
// that of a dead process, and can stop listening after an idle time:
//
//	l, err := cellsocket.As(h, name, time.Minute)
//	...
//	conn, ended, err := l.Accept()
//
// synapse.Listen and the adapter for programs without the SDK are built on it.
package cellsocket

import (
	"context"
	"os"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// lockTimeout is how long As waits while another process starts the same cell. It is longer
// than the stem waits for a cell.
const lockTimeout = 15 * time.Second

// As listens at the cell's socket, and makes the home if needed. It fails with
// socket.ErrInUse if the cell is already running. After idle without a call the cell stops
// listening; zero means never.
func As(h home.Home, cell address.Name, idle time.Duration) (*Listener, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	path, err := h.Socket(cell)
	if err != nil {
		return nil, err
	}
	if startedByStem(cell) {
		return listen(path, h.Lock(cell), idle)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock, err := socket.WaitLock(ctx, h.Lock(cell))
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return listen(path, h.Lock(cell), idle)
}

// startedByStem reports whether the stem holds the name's lock for us while it waits for us
// to listen. It does so only once: to listen again, the process must take the lock itself.
func startedByStem(cell address.Name) bool {
	started := os.Getenv("CELL_STARTED") == "1" && os.Getenv("CELL_NAME") == cell.String()
	if started {
		os.Unsetenv("CELL_STARTED")
	}
	return started
}
