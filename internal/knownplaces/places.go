// Package knownplaces keeps places.toml, like known_hosts of SSH. It records which peer
// first answered at an IP address, a DNS name or a multiaddr:
//
//	["192.168.1.5:4433"]
//	id = "12D3KooW…"
//	since = 2026-11-23T03:06:57Z
//
// If another peer answers later, it is either a new machine or an attacker in the middle.
// Only the user can tell, and decides with Forget.
package knownplaces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Known is the peer that first answered at a place, and when.
type Known struct {
	ID    address.ID `toml:"id"`
	Since time.Time  `toml:"since"`
}

// maxKnown keeps the file small enough to be read, however long the places are. No person
// calls more.
const maxKnown = 800

// Find returns the known peer at a place, if any. The error names file and line.
func Find(h home.Home, place address.Place) (known Known, ok bool, err error) {
	all, err := read(h)
	known, ok = all[place.String()]
	return known, ok, err
}

// List returns the places with a known peer, sorted. The error names file and line.
func List(h home.Home) ([]string, error) {
	all, err := read(h)
	return slices.Sorted(maps.Keys(all)), err
}

// Learn records that a peer answered at a place, and returns the known peer, which differs
// from id if another peer was recorded earlier.
func Learn(ctx context.Context, h home.Home, place address.Place, id address.ID) (Known, error) {
	var known Known
	err := edit(ctx, h, func(all map[string]Known) error {
		var ok bool
		if known, ok = all[place.String()]; ok {
			return nil
		}
		if len(all) >= maxKnown {
			return fmt.Errorf("%s: has %d places already: remove those that are not needed",
				h.Places(), len(all))
		}
		known = Known{id, time.Now().UTC().Truncate(time.Second)}
		all[place.String()] = known
		return nil
	})
	return known, err
}

// Forget removes the known peer at a place and returns it; ok is false if there was none.
func Forget(ctx context.Context, h home.Home,
	place address.Place) (known Known, ok bool, err error) {
	err = edit(ctx, h, func(all map[string]Known) error {
		known, ok = all[place.String()]
		delete(all, place.String())
		return nil
	})
	return known, ok, err
}

// edit changes the file under a lock, so that the stem and a command don't lose each other's
// changes.
func edit(ctx context.Context, h home.Home, change func(map[string]Known) error) error {
	lock, err := socket.WaitLock(ctx, h.Places()+".lock")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	all, err := read(h)
	if err != nil {
		return err
	}
	before := len(all)
	if err := change(all); err != nil || len(all) == before {
		return err
	}
	return textfile.Write(h.Places(), all)
}

func read(h home.Home) (map[string]Known, error) {
	all := map[string]Known{}
	if err := textfile.Read(h.Places(), &all); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for place, known := range all {
		if known.ID.IsZero() {
			return nil, fmt.Errorf("%s: %q has no id: remove it, and the next call records one",
				h.Places(), place)
		}
	}
	return all, nil
}
