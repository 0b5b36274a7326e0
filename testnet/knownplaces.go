package testnet

import (
	"context"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/knownplaces"
)

// placeMemory remembers which peer answered at which address while the node runs.
type placeMemory struct {
	mu    sync.Mutex
	known map[address.Place]knownplaces.Known
}

func newPlaceMemory() *placeMemory {
	return &placeMemory{known: map[address.Place]knownplaces.Known{}}
}

func (m *placeMemory) Learn(_ context.Context, at address.Place,
	id address.ID) (knownplaces.Known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.known[at]; !ok {
		m.known[at] = knownplaces.Known{ID: id, Since: time.Now()}
	}
	return m.known[at], nil
}
