//go:build linux

package natlab

import (
	"strings"
	"testing"
	"time"
)

// Of a peer that nobody knows one is told so soon, and who was asked: even while the
// first look around the local network is not over.
func TestUnknownPeer(t *testing.T) {
	t.Parallel()
	lab, members := town(t, []string{"member1", "member2"}, EIM.Site("caller"), EIM.Site("nobody"))
	caller, nobody := settle(t, lab, "caller", members), newStem(t, lab.Host("nobody"))
	caller.joined()
	for range 2 {
		why := caller.mustFail(nobody, 2*time.Second)
		for _, asked := range []string{nobody.id, `mesh "lab"`, "mDNS", "remembered"} {
			if !strings.Contains(why, asked) {
				t.Errorf("%q is not named", asked)
			}
		}
	}
}

// Of a peer that is gone one is told when it was there last, on a connection that is dead
// and on none.
func TestOfflinePeer(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{EIM, Public} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, EIM.Site("caller"),
				kind.Site("target"))
			caller, target, c := settlePair(t, lab, members, Direct)
			c.Conn.Close()
			check(t, target.host.Down())
			today := time.Now().Format(time.DateOnly)
			for range 2 {
				if why := caller.mustFail(target, 8*time.Second); !strings.Contains(why,
					"last seen on "+today) {
					t.Errorf("%s: when it was last seen is not told", why)
				}
			}
		})
	}
}
