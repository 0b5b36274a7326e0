// Package process finds the processes of the cells in a home, and stops them:
//
//	for _, cell := range process.List(h) {
//		fmt.Println(cell.Name, cell.PID)
//	}
//	killed, err := process.Stop(ctx, h, name)
//
// Nobody keeps a list of running cells. The sockets in run/ tell which names are in use,
// and the kernel tells which process holds a socket.
package process

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
)

// Cell is a running cell.
type Cell struct {
	Name address.Name
	// PID is the process that holds the socket, or 0 if it is unknown.
	PID int
	// Since is when the socket appeared.
	Since time.Time
	// Memory is the resident memory of the process in bytes, or 0 if it is unknown.
	Memory int64
}

// Running returns the names of the running cells, sorted. If the state of a socket cannot
// be told, it calls unknown, which may be nil, and leaves the cell out.
func Running(h home.Home, unknown func(address.Name, error)) (names []address.Name) {
	paths, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock")) // fails only on a bad pattern
	for _, path := range paths {
		name, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err != nil {
			continue
		}
		alive, err := socket.Alive(path)
		if alive {
			names = append(names, name)
		}
		if err != nil && unknown != nil {
			unknown(name, err)
		}
	}
	return names
}

// List returns the running cells, sorted by name. On Linux the cells do not notice.
// Elsewhere each gets a connection that is closed at once.
func List(h home.Home) (cells []Cell) {
	for _, name := range Running(h, nil) {
		if cell, ok := Find(h, name); ok {
			cells = append(cells, cell)
		}
	}
	return cells
}

// Find returns a cell, and false if it is not running.
func Find(h home.Home, name address.Name) (Cell, bool) {
	path, err := h.Socket(name)
	if err != nil {
		return Cell{}, false
	}
	if alive, err := socket.Alive(path); err != nil || !alive {
		return Cell{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return Cell{}, false // it has just left
	}
	cell := Cell{Name: name, Since: info.ModTime()}
	if cell.PID = owner(path, info); cell.PID != 0 {
		cell.Memory = memory(cell.PID)
	}
	return cell, true
}
