//go:build linux

package natlab

import (
	"testing"
	"time"
)

// A peer that was killed and started again is reached by the next call, although the
// caller believes in the old connection.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{EIM, Symmetric, Public} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, EIM.Site("caller"),
				kind.Site("target"))
			caller, target, _ := settlePair(t, lab, members, Relayed)
			target.crash()
			target.up(members[0].bootstrap()...)
			caller.mustReach(target, busy(2*time.Second))
		})
	}
}
