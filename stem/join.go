package stem

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

// joinTimeout bounds how long a join waits for others who write the same files.
const joinTimeout = 5 * time.Second

// errAgain says that the joiner has joined before, and that there is nothing to write.
var errAgain = errors.New("joined before")

// Join spends a use of an invite and makes the joiner a peer with what the invite grants.
// The gate has checked the proof. A refusal's reason is the invite's state in a word. The
// peer is written before the use is spent: a crash in between costs a use too few, and
// never leaves a joiner with nothing. Whoever has joined before is told what is in force
// for it now, and given nothing back that was taken away since.
func (f *files) Join(ctx context.Context, joiner address.ID, proof string,
	now time.Time) (peers.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	var grant peers.Grant
	found := false
	err := invite.Edit(ctx, f.home, invite.ProofID(proof), func(i *invite.Invite) error {
		found = true
		if state := i.State(joiner, now); state != invite.Open {
			return wire.Refusal{Code: wire.Denied, Reason: string(state)}
		}
		if slices.Contains(i.Joined, joiner) {
			var trusted bool
			if grant, trusted = f.Rules().Grants[joiner]; !trusted {
				return wire.Refusal{Code: wire.Denied, Reason: string(invite.Revoked)}
			}
			return errAgain
		}
		peer, err := welcome(ctx, f.home, joiner, *i)
		grant, i.Joined = peer.Cells, append(i.Joined, joiner)
		return err
	})
	switch {
	case errors.Is(err, errAgain):
		return grant, nil
	case !found && errors.Is(err, fs.ErrNotExist):
		return peers.Grant{}, wire.Refusal{Code: wire.Denied, Reason: string(invite.Revoked)}
	case err != nil:
		return peers.Grant{}, err
	}
	f.Reread()
	return grant, nil
}

// welcome writes the joiner's file: what it may reach already, and what the invite
// grants, under the petname that the owner gave it, or that the invite has for it, or
// that is made of its ID, if nobody else is called so.
func welcome(ctx context.Context, h home.Home, joiner address.ID,
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
	known, _ := peers.ReadAll(h) // bad files are reported elsewhere
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

// freePetname returns the first name under which there is no file, not even a bad one, of
// those that are wanted and of longer ones that are made of the ID. Many IDs end in the
// same letters if somebody has searched for them.
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

// isFree says whether a petname may be given: it is one, and has no file.
func isFree(h home.Home, name address.Petname) bool {
	_, err := os.Lstat(h.Peer(name))
	return name != (address.Petname{}) && errors.Is(err, fs.ErrNotExist)
}
