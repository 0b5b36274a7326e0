package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// policy is a node's rules. They do not change.
type policy struct{ rules *gate.Rules }

func newPolicy(self address.ID, trust []*Node, cells map[address.Name]Cell) policy {
	rules := &gate.Rules{Self: self, Grants: map[address.ID]peers.Grant{},
		Public: map[address.Name]bool{}}
	for _, friend := range trust {
		rules.Grants[friend.ID()] = peers.Grant{Any: true}
	}
	for cell := range cells {
		rules.Public[cell] = trust == nil
	}
	return policy{rules}
}

func (p policy) Rules() *gate.Rules { return p.rules }

func (p policy) Reread() {}

// Join refuses: there are no invites.
func (p policy) Join(context.Context, address.ID, string, time.Time) (peers.Grant, error) {
	return peers.Grant{}, wire.Refusal{Code: wire.Denied}
}

func (p policy) Run(context.Context) error { return nil }
