package stem

import (
	"context"
	"fmt"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/knownplaces"
	"github.com/cell-mesh/cell/internal/wire"
)

// Places remember which peer answered first at a place.
type Places interface {
	// Learn returns the peer known at the place. If none is known, id becomes the known one.
	Learn(ctx context.Context, place address.Place, id address.ID) (knownplaces.Known, error)
}

// placesFile is the places.toml of a home.
type placesFile struct{ home home.Home }

func (p placesFile) Learn(ctx context.Context, place address.Place,
	id address.ID) (knownplaces.Known, error) {
	return knownplaces.Learn(ctx, p.home, place, id)
}

// whois returns the peer at a place. The first answer is remembered. A different one later is
// refused: only the user can tell a new machine from an attacker in between. A multiaddr that
// names its peer needs no memory.
func (s *Stem) whois(ctx context.Context, place address.Place) (address.ID, error) {
	if id, ok := place.ID(); ok {
		return id, nil
	}
	id, err := s.Network.Whois(ctx, place)
	if err != nil {
		return id, wire.Refusal{Code: wire.Unreachable, Reason: err.Error()}
	}
	if id == s.Network.ID() {
		return id, nil
	}
	known, err := s.Places.Learn(ctx, place, id)
	if err != nil {
		return id, wire.Refusal{Code: wire.Failed, Reason: err.Error()}
	}
	if known.ID != id {
		return id, wire.Refusal{Code: wire.Changed, Reason: fmt.Sprintf(
			"%s answers at %s, where %s answered since %s: it is another machine, or an attacker "+
				"in between", id, place, known.ID, known.Since.Local().Format(time.DateTime))}
	}
	return id, nil
}
