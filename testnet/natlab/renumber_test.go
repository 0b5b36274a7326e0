//go:build linux

package natlab

import (
	"context"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// directAgain is how long after a router got another address calls go directly again,
// where they did before.
const directAgain = 8 * time.Second

// The first call after a router got another address works, at whichever end that was,
// although the last call may have been a moment ago; and later ones go directly again.
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
			lab, members := town(t, []string{"member1", "member2"}, c.caller.Site("caller"),
				c.target.Site("target"))
			want := RouteBetween(c.caller, c.target)
			caller, target, call := settlePair(t, lab, members, want)
			call.Conn.Close()
			if want == Direct { // else it is cut in the middle of a punch
				eventually(t.Context(), directWait, func() bool {
					return isDirect(target.transports(caller))
				})
			}
			routers := lab.Host(c.who).Routers
			check(t, routers[len(routers)-1].Renumber())
			since := time.Now()
			caller.mustReach(target, busy(6*time.Second)).Conn.Close()
			if want == Direct {
				caller.mustGoDirectly(target, since, busy(directAgain))
			}
		})
	}
}

// mustGoDirectly calls until that goes directly. A direct connection that is dead does
// not count: a call comes through, over the best one that there is.
func (s *stem) mustGoDirectly(to *stem, since time.Time, within time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithDeadline(s.t.Context(), since.Add(within))
	defer cancel()
	for {
		c, err := s.call(ctx, to)
		if err == nil {
			c.Conn.Close()
			if over := s.transports(to); isDirect(over) {
				s.t.Logf("%s calls %s directly after %v, over %s", s.host.Name(), to.host.Name(),
					time.Since(since).Round(time.Millisecond), over)
				return
			}
		}
		if socket.Pause(ctx, again) != nil {
			s.t.Errorf("%s does not call %s directly in %v: %v; over %s", s.host.Name(),
				to.host.Name(), within, err, s.transports(to))
			return
		}
	}
}
