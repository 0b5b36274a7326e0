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

// Join spends a use of an invite and makes the joiner a peer with what the invite grants. The gate has checked the
// proof. A refusal's reason is the invite's state in a word. The use is spent before the peer is written: whoever
// was cut off in between may join again, at no cost.
func (f *files) Join(ctx context.Context, joiner address.ID, proof string, now time.Time) (peers.Grant, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var spent invite.Invite
	err := invite.Edit(ctx, f.home, invite.ProofID(proof), func(i *invite.Invite) error {
		if state := i.State(joiner, now); state != invite.Open {
			return wire.Refusal{Code: wire.Denied, Reason: string(state)}
		}
		if !slices.Contains(i.Joined, joiner) {
			i.Joined = append(i.Joined, joiner)
		}
		spent = *i
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return peers.Grant{}, wire.Refusal{Code: wire.Denied, Reason: string(invite.Revoked)}
	}
	if err != nil {
		return peers.Grant{}, err
	}
	peer, err := welcome(f.home, joiner, spent)
	if err != nil {
		return peers.Grant{}, err
	}
	f.reread()
	return peer.Cells, nil
}

// welcome writes the joiner's file: what it may reach already, and what the invite grants, under the petname that it has,
// or that the invite has for it, or that is made of its ID, if nobody else is called so.
func welcome(h home.Home, joiner address.ID, i invite.Invite) (peers.Peer, error) {
	peer, err := peers.Unnamed(joiner)
	if err != nil {
		return peer, err
	}
	known, _ := peers.ReadAll(h) // bad files are reported elsewhere
	if n := slices.IndexFunc(known, func(p peers.Peer) bool { return p.ID == joiner }); n >= 0 {
		peer = known[n]
	} else if peer.Petname, err = freePetname(h, joiner, i.As, peer.Petname); err != nil {
		return peer, err
	}
	peer.Cells.Add(i.Cells)
	if err := peers.Write(h, peer); err != nil {
		return peer, fmt.Errorf("write the joiner's file: %w", err)
	}
	return peer, nil
}

// freePetname returns the first name under which there is no file, not even a bad one, of those that are wanted and of longer ones
// that are made of the ID. Many IDs end in the same letters if somebody has searched for them.
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
		if _, err := os.Lstat(h.Peer(name)); name != (address.Petname{}) && errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return address.Petname{}, fmt.Errorf("every petname for %s is taken", id)
}
