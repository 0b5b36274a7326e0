package stem

import (
	"github.com/cell-mesh/cell/internal/address"
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
	// Problems are what could not be understood of the rules as they are written down. It grants nothing.
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

// gate says whether a caller may reach a cell of this machine, by the rules alone: whether the cell exists is
// not its business, so that a stranger can't find out. The user of this machine has been let in by the
// mode of the stem's socket.
func gate(rules *Rules, caller Caller, cell address.Name) bool {
	if caller.local() {
		return true
	}
	return rules.Grants[caller.peer].Allows(cell) || rules.Public[cell] && !cell.Reserved()
}
