//go:build linux

package natlab

import (
	"testing"
	"time"
)

// When UDP is blocked in the middle of a call, that is cut, and the next one goes over
// TCP, directly or to a relay.
func TestUDPBlocked(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{EIM, Public} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, EIM.Site("caller"),
				kind.Site("target"))
			caller, target, c := settlePair(t, lab, members, Direct)
			check(t, caller.host.Routers[0].DropUDP())
			caller.mustReach(target, busy(6*time.Second))
			caller.mustEnd(c, 10*time.Second)
		})
	}
}
