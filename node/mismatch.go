package node

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/internal/address"
)

// Mismatch says that somebody else answers at a place than who was expected there.
type Mismatch struct {
	Place            string
	Expected, Actual address.ID
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("%s is %s, not %s", m.Place, m.Actual, m.Expected)
}

func mismatch(place address.Place, expected, actual peer.ID) error {
	m := &Mismatch{Place: place.String()}
	var err, other error
	m.Expected, err = address.ParseID(expected.String())
	m.Actual, other = address.ParseID(actual.String())
	if err = errors.Join(err, other); err != nil {
		return err
	}
	return m
}
