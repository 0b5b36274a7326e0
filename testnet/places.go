package testnet

import (
	"context"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/knownplaces"
)

// memory is who answered where, for as long as the node lives.
type memory struct {
	mu    sync.Mutex
	known map[address.Place]knownplaces.Known
}

func newPlaces() *memory { return &memory{known: map[address.Place]knownplaces.Known{}} }

func (m *memory) Learn(_ context.Context, at address.Place,
	id address.ID) (knownplaces.Known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.known[at]; !ok {
		m.known[at] = knownplaces.Known{ID: id, Since: time.Now()}
	}
	return m.known[at], nil
}
