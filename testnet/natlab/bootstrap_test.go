//go:build linux

package natlab

import (
	"testing"
	"time"
)

// When the peer is gone through which one joins the mesh, the others are found all the
// same: one that was called before, by the cache; a neighbour, by mDNS; and a third, by
// the mesh, which is joined through the first.
func TestDeadBootstrap(t *testing.T) {
	t.Parallel()
	lab, members := town(t, []string{"boot", "friend", "third"}, EIM.Site("caller", "neighbour"))
	boot, friend, third := members[0], members[1], members[2]
	caller := settle(t, lab, "caller", members)
	friend.trusts(caller)
	third.trusts(caller)
	caller.getsThrough(friend, findWait)
	caller.down() // which saves the cache
	check(t, boot.host.Down())
	neighbour := settle(t, lab, "neighbour", members)
	neighbour.trusts(caller)
	caller.up(boot.bootstrap()...)
	for _, target := range []*stem{friend, neighbour, third} {
		caller.mustReach(target, busy(3*time.Second))
	}
}
