// Package process tells which cells run in a home, as which processes, and ends one.
// There is no list: the sockets in run/ say which names are taken, and the kernel says by
// whom.
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

// Cell is one that runs.
type Cell struct {
	Name address.Name
	// PID is the process that holds its socket; 0 if that could not be told.
	PID int
	// Since is when the socket appeared.
	Since time.Time
	// Memory is what that process holds of it, in bytes; 0 if that could not be told.
	Memory int64
}

// List returns the cells that run, in order of their names. They don't notice on Linux;
// elsewhere each gets a connection that ends at once.
func List(h home.Home) (cells []Cell) {
	paths, _ := filepath.Glob(filepath.Join(h.RunDir(), "*.sock")) // errs only on a bad pattern
	for _, path := range paths {
		name, err := address.ParseName(strings.TrimSuffix(filepath.Base(path), ".sock"))
		if err != nil {
			continue
		}
		if cell, ok := at(name, path); ok {
			cells = append(cells, cell)
		}
	}
	return cells
}

// Find returns a cell, if it runs.
func Find(h home.Home, name address.Name) (Cell, bool) {
	path, err := h.Socket(name)
	if err != nil {
		return Cell{}, false
	}
	return at(name, path)
}

func at(name address.Name, path string) (Cell, bool) {
	if alive, err := socket.Alive(path); err != nil || !alive {
		return Cell{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return Cell{}, false // it left just now
	}
	cell := Cell{Name: name, Since: info.ModTime()}
	if cell.PID = owner(path, info); cell.PID != 0 {
		cell.Memory = memory(cell.PID)
	}
	return cell, true
}
