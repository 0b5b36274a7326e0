package testnet

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// policy is a node's rules, which do not change.
type policy struct{ rules *gate.Rules }

func newPolicy(self address.ID, cfg NodeConfig) (policy, error) {
	rules := &gate.Rules{Self: self, Grants: map[address.ID]peers.Grant{},
		Public: map[address.Name]bool{}}
	for _, friend := range cfg.Trust {
		rules.Grants[friend.ID()] = peers.Grant{Any: true}
	}
	for text := range cfg.Cells {
		cell, err := address.ParseName(text)
		if err != nil {
			return policy{}, err
		}
		rules.Public[cell] = cfg.Trust == nil
	}
	return policy{rules}, nil
}

func (p policy) Rules() *gate.Rules { return p.rules }

func (p policy) Reread() {}

// Join refuses: there are no invites.
func (p policy) Join(context.Context, address.ID, string, time.Time) (peers.Grant, error) {
	return peers.Grant{}, wire.Refusal{Code: wire.Denied}
}

func (p policy) Run(context.Context) error { return nil }
