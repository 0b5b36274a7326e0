// Package cellsocket makes this process a cell: it binds the name's socket, takes the
// place of a dead one, and, if it is told to, leaves when it was unused for a while.
// synapse.Listen and the wrapper of programs that know nothing of cells are both made of
// it.
package cellsocket

import (
	"context"
	"os"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// lockTimeout is how long As waits while somebody else starts the same cell; longer than
// the stem's patience.
const lockTimeout = 15 * time.Second

// As listens at the cell's socket. It makes the home, and fails with socket.ErrInUse at a
// live cell. idle is how long the cell may be unused before it leaves; if zero, it stays.
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

// startedByStem says whether the stem holds the name's lock on our behalf while it waits
// for us to listen. It does so once: a process that listens again has to take the lock
// itself.
func startedByStem(cell address.Name) bool {
	started := os.Getenv("CELL_STARTED") == "1" && os.Getenv("CELL_NAME") == cell.String()
	if started {
		os.Unsetenv("CELL_STARTED")
	}
	return started
}
