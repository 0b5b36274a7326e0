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

// Places remember which peer answered at a place the first time.
type Places interface {
	// Learn returns who is known at the place; if nobody is, that is id from now on.
	Learn(ctx context.Context, place address.Place, id address.ID) (knownplaces.Known, error)
}

// placesFile are the Places of a home.
type placesFile struct{ home home.Home }

func (p placesFile) Learn(ctx context.Context, place address.Place,
	id address.ID) (knownplaces.Known, error) {
	return knownplaces.Learn(ctx, p.home, place, id)
}

// whois tells which peer lives at a place. The first answer is kept as known; another one
// later is refused, since only the user can tell a new machine from somebody in between.
// A multiaddr that names its peer needs no memory.
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
			"at %s answers %s, and since %s it was %s: it is another machine, or somebody in between",
			place, id, known.Since.Local().Format(time.DateTime), known.ID)}
	}
	return id, nil
}
