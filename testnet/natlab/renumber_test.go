//go:build linux

package natlab

import (
	"testing"
	"time"
)

// The first call after a router got another address works, at whichever end that was, although the last call may have
// been a moment ago.
func TestRenumbered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who            string
		caller, target Kind
	}{
		{"target", EIM, EIM},
		{"target", EIM, TCPOnly},
		{"target", EIM, CGN},
		{"target", EIM, Symmetric},
		{"caller", EIM, EIM},
		{"caller", TCPOnly, EIM},
		{"caller", Symmetric, EIM},
	} {
		t.Run(c.who+" of "+c.caller.String()+" to "+c.target.String(), func(t *testing.T) {
			t.Parallel()
			lab, members := town(t, []string{"member1", "member2"}, c.caller.Site("caller"), c.target.Site("target"))
			want := Relayed
			for _, r := range Routes {
				if r.Dialer == c.caller && r.Target == c.target {
					want = r.Want
				}
			}
			caller, target, call := settlePair(t, lab, members, want)
			call.Conn.Close()
			routers := lab.Host(c.who).Routers
			check(t, routers[len(routers)-1].Renumber())
			caller.mustReach(target, busy(6*time.Second))
		})
	}
}
