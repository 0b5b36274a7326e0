// Package gate decides who may reach which cell.
//
//	if !gate.Allow(rules, gate.Caller{Peer: id}, cell, key, time.Now()) {
//		// refuse
//	}
//
// Allow reads the rules in memory and nothing else. It does not know whether a cell exists, so
// a stranger cannot find out, not even by the time that an answer takes. The user of this
// machine may reach everything: the mode of the stem's socket has let them in.
//
// Package policy makes the rules from files. Package stem asks the gate before every call.
package gate

import (
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
)

// Rules say who may reach what. They are replaced, never changed.
type Rules struct {
	// Grants say what each peer may reach.
	Grants map[address.ID]peers.Grant
	// Public lists the cells that every peer may reach.
	Public map[address.Name]bool
	// Petnames are the user's names for peers.
	Petnames map[address.Petname]address.ID
	// At lists multiaddrs where a peer was reached before.
	At map[address.ID][]address.Place
	// Self is this machine, which signs its keys.
	Self address.ID
	// Revoked holds the serial numbers of revoked keys.
	Revoked map[string]bool
	// NoKeys is set while the list of revoked keys is unreadable: then every key is refused.
	NoKeys bool
	// Invites holds the secret of each invite by the invite's ID, also of expired ones.
	// The cell stem.join decides whether an invite is still valid.
	Invites map[string][]byte
	// Problems are errors in the files. A bad file grants nothing.
	Problems []error
}

// Caller is the peer that calls. The zero Caller is the user of this machine.
type Caller struct{ Peer address.ID }

// Local reports whether the caller is the user of this machine.
func (c Caller) Local() bool { return c.Peer.IsZero() }

func (c Caller) String() string {
	if c.Local() {
		return "local"
	}
	return c.Peer.String()
}

// The stem answers these cells itself. Each has its own rule.
var (
	JoinCell = reserved("stem.join") // for peers that prove an invite
	ListCell = reserved("stem.list") // for peers with any grant
)

func reserved(text string) address.Name {
	cell, err := address.ParseName(text)
	if err != nil {
		panic(err)
	}
	return cell
}

// Allow reports whether the caller, who may present a key, may reach a cell of this machine.
func Allow(rules *Rules, caller Caller, cell address.Name, key string, now time.Time) bool {
	grant := rules.Grants[caller.Peer]
	switch {
	case caller.Local():
		return true
	case cell == JoinCell:
		return invite.Proves(key, rules.Invites[invite.ProofID(key)], rules.Self, caller.Peer)
	case cell == ListCell:
		return !grant.Empty()
	case cell.Reserved():
		return grant.Allows(cell)
	}
	return grant.Allows(cell) || rules.Public[cell] || opens(rules, caller, cell, key, now)
}

// opens reports whether the key lets the caller reach the cell.
func opens(rules *Rules, caller Caller, cell address.Name, key string, now time.Time) bool {
	if key == "" || rules.NoKeys {
		return false
	}
	k, err := capability.Verify(key, rules.Self)
	return err == nil && k.Cell == cell && (k.To.IsZero() || k.To == caller.Peer) &&
		now.Before(k.Expires) && !rules.Revoked[k.Serial]
}
