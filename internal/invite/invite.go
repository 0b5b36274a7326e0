package invite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Invite is what the inviter keeps about a token that it printed.
type Invite struct {
	// ID is eight hexadecimal digits.
	ID      string
	Secret  []byte
	Cells   peers.Grant
	Expires time.Time
	// Uses is how many peers may join with it.
	Uses int
	// As becomes the joiner's petname. If zero, one is made from its ID.
	As address.Petname
	// Joined lists the peers that joined.
	Joined []address.ID
	// Revoked invites are kept until they expire, so that joiners can be told.
	Revoked bool
}

// New returns a new invite. Write puts it in force.
func New(cells peers.Grant, uses int, expires time.Time, as address.Petname) Invite {
	return Invite{
		ID:      hex.EncodeToString(random(idSize)),
		Secret:  random(secretSize),
		Cells:   cells,
		Expires: expires.Truncate(time.Second),
		Uses:    uses,
		As:      as,
	}
}

// State is the state of an invite in one word.
type State string

const (
	Open    State = "open"
	Spent   State = "spent"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State returns the invite's state for a joiner. A peer that joined may join again without using
// the invite up, since its answer may have been lost.
func (i Invite) State(joiner address.ID, now time.Time) State {
	switch {
	case i.Revoked:
		return Revoked
	case !now.Before(i.Expires):
		return Expired
	case len(i.Joined) >= i.Uses && !slices.Contains(i.Joined, joiner):
		return Spent
	}
	return Open
}

// file is the text form of an Invite.
type file struct {
	Secret  string       `toml:"secret" comment:"anyone who has it may join: keep it secret"`
	Cells   []string     `toml:"cells" comment:"what the joiner may reach here"`
	Expires time.Time    `toml:"expires"`
	Uses    int          `toml:"uses"`
	As      string       `toml:"as,omitempty"`
	Joined  []address.ID `toml:"joined"`
	Revoked bool         `toml:"revoked"`
}

// keepExpired is how long a late joiner is told that the invite has expired, not just denied.
const keepExpired = 7 * 24 * time.Hour

// Write creates or replaces the invite's file.
func Write(h home.Home, i Invite) error {
	return textfile.Write(h.Invite(i.ID), file{
		Secret:  hex.EncodeToString(i.Secret),
		Cells:   i.Cells.Words(),
		Expires: i.Expires,
		Uses:    i.Uses,
		As:      i.As.String(),
		Joined:  append([]address.ID{}, i.Joined...),
		Revoked: i.Revoked,
	})
}

// Read returns one invite. If there is none, the error wraps fs.ErrNotExist.
func Read(h home.Home, id string) (Invite, error) {
	if !validID(id) {
		return Invite{}, fmt.Errorf("%q is not an invite ID: %w", id, fs.ErrNotExist)
	}
	path := h.Invite(id)
	var f file
	if err := textfile.Read(path, &f); err != nil {
		return Invite{}, err
	}
	secret, err := hex.DecodeString(f.Secret)
	if err != nil || len(secret) != secretSize {
		return Invite{}, textfile.At(path, "secret",
			errors.New("secret is damaged: remove the file and make another invite"))
	}
	cells, err := peers.ParseGrant(f.Cells)
	if err != nil {
		return Invite{}, textfile.At(path, "cells", err)
	}
	i := Invite{ID: id, Secret: secret, Cells: cells, Expires: f.Expires, Uses: f.Uses,
		Joined: f.Joined, Revoked: f.Revoked}
	if f.As != "" {
		if i.As, err = address.ParsePetname(f.As); err != nil {
			return Invite{}, textfile.At(path, "as", err)
		}
	}
	return i, nil
}

// Edit changes one invite under a lock, so that two editors do not undo each other's changes. If
// change fails, nothing is written.
func Edit(ctx context.Context, h home.Home, id string, change func(*Invite) error) error {
	lock, err := socket.WaitLock(ctx, filepath.Join(h.InvitesDir(), "lock"))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	i, err := Read(h, id)
	if err != nil {
		return err
	}
	if err := change(&i); err != nil {
		return err
	}
	return Write(h, i)
}

// ReadAll returns all invites and an error for each bad file. It removes invites that expired long
// ago.
func ReadAll(h home.Home, now time.Time) (all []Invite, problems []error) {
	paths, err := textfile.List(h.InvitesDir())
	if err != nil {
		return nil, []error{err}
	}
	for _, path := range paths {
		i, err := Read(h, strings.TrimSuffix(filepath.Base(path), ".toml"))
		switch {
		case err != nil:
			problems = append(problems, err)
		case now.After(i.Expires.Add(keepExpired)):
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				problems = append(problems, err)
			}
		default:
			all = append(all, i)
		}
	}
	return all, problems
}
