package policy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/wire"
)

// joinTimeout limits how long a join waits for the locks on the files.
const joinTimeout = 5 * time.Second

// errAgain reports that the joiner has joined before: there is nothing to write.
var errAgain = errors.New("joined before")

// Join uses an invite: the joiner becomes a peer with the invite's grant, which Join returns.
// The gate has checked the proof. A wire.Refusal's reason is the invite's state in one word.
//
// The peer is written before the use is counted. A crash in between gives one use for free,
// but never leaves a joiner with nothing. A peer that joins again gets what is in force for it
// now, not what was taken away since.
func (f *Files) Join(ctx context.Context, joiner address.ID, proof string,
	now time.Time) (peers.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	var grant peers.Grant
	found := false
	err := invite.Edit(ctx, f.home, invite.ProofID(proof), func(i *invite.Invite) error {
		found = true
		if state := i.State(joiner, now); state != invite.Open {
			return denied(state)
		}
		if slices.Contains(i.Joined, joiner) {
			var trusted bool
			if grant, trusted = f.Rules().Grants[joiner]; !trusted {
				return denied(invite.Revoked)
			}
			return errAgain
		}
		peer, err := addPeer(ctx, f.home, joiner, *i)
		grant, i.Joined = peer.Cells, append(i.Joined, joiner)
		return err
	})
	switch {
	case errors.Is(err, errAgain):
		return grant, nil
	case !found && errors.Is(err, fs.ErrNotExist):
		return peers.Grant{}, denied(invite.Revoked)
	case err != nil:
		return peers.Grant{}, err
	}
	f.Reread()
	return grant, nil
}

func denied(state invite.State) error {
	return wire.Refusal{Code: wire.Denied, Reason: string(state)}
}

// addPeer writes the joiner's file: its grant so far and the invite's. A petname that the owner
// gave stays. Otherwise the joiner gets the invite's petname, or one made from its ID.
func addPeer(ctx context.Context, h home.Home, joiner address.ID,
	i invite.Invite) (peers.Peer, error) {
	peer, err := peers.Unnamed(joiner)
	if err != nil {
		return peer, err
	}
	lock, err := peers.Lock(ctx, h)
	if err != nil {
		return peer, err
	}
	defer lock.Unlock()
	known, _ := peers.ReadAll(h) // the policy reports bad files
	made, was := peer.Petname, address.Petname{}
	if n := slices.IndexFunc(known, func(p peers.Peer) bool { return p.ID == joiner }); n >= 0 {
		peer, was = known[n], known[n].Petname
		if was == made && isFree(h, i.As) {
			peer.Petname = i.As
		}
	} else if peer.Petname, err = freePetname(h, joiner, i.As, made); err != nil {
		return peer, err
	}
	peer.Cells.Add(i.Cells)
	if err := peers.Write(h, peer); err != nil {
		return peer, fmt.Errorf("write the joiner's file: %w", err)
	}
	if was != (address.Petname{}) && was != peer.Petname {
		return peer, peers.Remove(h, was)
	}
	return peer, nil
}

// freePetname returns the first of the wanted petnames that has no file, not even a bad one.
// If all have, it makes longer ones from the ID, since anyone can search for an ID with a given
// ending.
func freePetname(h home.Home, id address.ID, wanted ...address.Petname) (address.Petname, error) {
	text := strings.ToLower(id.String())
	for n := 12; n <= 24; n += 4 {
		longer, err := address.ParsePetname("peer-" + text[len(text)-n:])
		if err != nil {
			return longer, err
		}
		wanted = append(wanted, longer)
	}
	for _, name := range wanted {
		if isFree(h, name) {
			return name, nil
		}
	}
	return address.Petname{}, fmt.Errorf("every petname for %s is taken", id)
}

// isFree reports whether name is a petname without a file.
func isFree(h home.Home, name address.Petname) bool {
	_, err := os.Lstat(h.Peer(name))
	return name != (address.Petname{}) && errors.Is(err, fs.ErrNotExist)
}
