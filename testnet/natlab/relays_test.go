//go:build linux

package natlab

import (
	"testing"
	"time"
)

// deaths are the ways in which a machine may go.
var deaths = map[string]func(t *testing.T, s *stem){
	"killed": func(_ *testing.T, s *stem) { s.crash() },
	"silent": func(t *testing.T, s *stem) { check(t, s.host.Down()) },
}

// relayOf is the member that relays a caller's call.
func relayOf(t *testing.T, caller, target *stem, members []*stem) *stem {
	t.Helper()
	for _, conn := range caller.connections(target) {
		for _, member := range members {
			if member.id == conn.Relay {
				return member
			}
		}
	}
	t.Fatal("the call is not relayed")
	return nil
}

// When a relay goes, its calls are cut, and the next call takes another one.
func TestDeadRelay(t *testing.T) {
	t.Parallel()
	for how, die := range deaths {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2", "member3"},
				Symmetric.Site("caller"), EIM.Site("target"))
			caller, target, c := settlePair(t, lab, members, Relayed)
			die(t, relayOf(t, caller, target, members))
			caller.mustReach(target, busy(4*time.Second))
			caller.mustEnd(c, 10*time.Second)
		})
	}
}

// When all relays go, calls fail soon; and when they come back, calls work again.
func TestNoRelays(t *testing.T) {
	t.Parallel()
	for how, die := range deaths {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, Symmetric.Site("caller"),
				EIM.Site("target"))
			caller, target, _ := settlePair(t, lab, members, Relayed)
			for _, member := range members {
				die(t, member)
			}
			caller.mustFail(target, 8*time.Second)
			for _, member := range members {
				if how == "silent" {
					check(t, member.host.Up())
				} else {
					member.up(append(members[0].bootstrap(), "--no-mdns")...)
				}
			}
			caller.getsThrough(target, busy(10*time.Second))
		})
	}
}
