package stem

import (
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
)

// Rules are who may reach what. They are not changed once they are in force, but replaced.
type Rules struct {
	// Grants are what each peer may reach.
	Grants map[address.ID]peers.Grant
	// Public are the cells that every peer may reach.
	Public map[address.Name]bool
	// Petnames are the user's names for peers.
	Petnames map[address.Petname]address.ID
	// At are multiaddrs where a peer was reached.
	At map[address.ID][]address.Place
	// Self is this machine, which signs its keys, and Revoked are the serial numbers of
	// those it took back.
	Self    address.ID
	Revoked map[string]bool
	// NoKeys is set while the list of revoked keys can't be read: then no key opens anything.
	NoKeys bool
	// Invites are the secrets of all that were printed and not forgotten, by their IDs.
	// Whether one may still be used is for stem.join to say, to those who have it.
	Invites map[string][]byte
	// Problems are what could not be understood of the rules as they are written down. It
	// grants nothing.
	Problems []error
}

// Caller is who calls: a peer, or the user of this machine, who is the zero Caller.
type Caller struct{ peer address.ID }

func (c Caller) local() bool { return c.peer.IsZero() }

func (c Caller) String() string {
	if c.local() {
		return "local"
	}
	return c.peer.String()
}

// The stem's own cells have rules of their own.
var (
	joinCell = ownCell("stem.join") // lets in whoever proves an invite
	listCell = ownCell("stem.list") // lets in whoever is trusted with anything
)

func ownCell(text string) address.Name {
	cell, err := address.ParseName(text)
	if err != nil {
		panic(err)
	}
	return cell
}

// gate says whether a caller that presents a key, or "", may reach a cell of this
// machine, by the rules alone: whether the cell exists is not its business, so that a
// stranger can't find out. The user of this machine has been let in by the mode of the
// stem's socket.
func gate(rules *Rules, caller Caller, cell address.Name, key string, now time.Time) bool {
	granted := rules.Grants[caller.peer]
	switch {
	case caller.local():
		return true
	case cell == joinCell:
		return invite.Proves(key, rules.Invites[invite.ProofID(key)], rules.Self, caller.peer)
	case cell == listCell:
		return granted.Any || len(granted.Names) > 0
	case cell.Reserved():
		return granted.Allows(cell)
	}
	return granted.Allows(cell) || rules.Public[cell] || opens(rules, caller, cell, key, now)
}

// opens says whether a key lets the caller reach the cell.
func opens(rules *Rules, caller Caller, cell address.Name, key string, now time.Time) bool {
	if key == "" || rules.NoKeys {
		return false
	}
	k, err := capability.Verify(key, rules.Self)
	return err == nil && k.Cell == cell && (k.To.IsZero() || k.To == caller.peer) &&
		now.Before(k.Expires) && !rules.Revoked[k.Serial]
}
