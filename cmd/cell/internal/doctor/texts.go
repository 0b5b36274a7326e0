package doctor

import (
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/knownplaces"
	"github.com/cell-mesh/cell/internal/peers"
)

// Texts checks the files that people edit; a bad line grants nothing. config is the error
// from reading stem.toml.
func Texts(h home.Home, config error, now time.Time) []Check {
	_, problems := peers.ReadAll(h)
	_, bad := dna.Public(h)
	problems = append(problems, bad...)
	_, bad = invite.ReadAll(h, now)
	problems = append(problems, bad...)
	_, revoked := capability.Revoked(h)
	_, _, known := knownplaces.Find(h, address.Place{})
	problems = append(problems, revoked, known, config)
	var checks []Check
	for _, err := range problems {
		if err != nil {
			checks = append(checks, ok("text files", "%v",
				err).bad("fix that line; a running stem uses the change at once, except in "+
				"stem.toml"))
		}
	}
	if len(checks) == 0 {
		checks = append(checks, ok("text files", "all valid"))
	}
	return checks
}
