//go:build linux

package natlab

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// A bad day is a small mesh in which something goes wrong. The tests of them say what
// works all the same, and how soon. The times are those that are promised, and half as
// much for a machine that is busy with other tests.

// busy is a promised time on such a machine.
func busy(promised time.Duration) time.Duration { return promised * 3 / 2 }

// town builds a lab and runs stems on the public hosts with these names, a mesh. Its
// tests mostly wait, so that many may run at once.
func town(t *testing.T, public []string, sites ...Site) (*Lab, []*stem) {
	t.Helper()
	lab := newLab(t, Link{Delay: delay}, append([]Site{Public.Site(public...)}, sites...)...)
	return lab, startMesh(t, lab, public...)
}

// settle runs a stem on a host, in the mesh of the first member.
func settle(t *testing.T, lab *Lab, host string, members []*stem, flags ...string) *stem {
	t.Helper()
	s := newStem(t, lab.Host(host))
	s.up(append(members[0].bootstrap(), flags...)...)
	return s
}

// settlePair runs a caller and a target, which lets itself be called, and returns with a
// call from the one to the other that goes on, once it has the route.
func settlePair(t *testing.T, lab *Lab, members []*stem,
	want Route) (caller, target *stem, c call) {
	t.Helper()
	caller, target = settle(t, lab, "caller", members), settle(t, lab, "target", members)
	target.trusts(caller)
	c = caller.getsThrough(target, findWait)
	if want == Direct && !eventually(t.Context(), directWait,
		func() bool { return isDirect(caller.transports(target)) }) {
		t.Log("the connection has not become direct") // which is for others to judge
	}
	return caller, target, c
}

// trusts lets others call the stem.
func (s *stem) trusts(callers ...*stem) {
	s.t.Helper()
	for _, caller := range callers {
		s.run("trust", caller.id, "--cells", "echo")
	}
}

// again is the pause between two calls of someone who has to get through.
const again = 100 * time.Millisecond

// getsThrough calls again and again until that works, which has to be within some time.
// The call ends with the test.
func (s *stem) getsThrough(to *stem, within time.Duration) call {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	for start := time.Now(); ; {
		c, err := s.call(ctx, to)
		took := time.Since(start).Round(time.Millisecond)
		if err == nil {
			s.t.Cleanup(func() { c.Conn.Close() })
			s.t.Logf("%s reaches %s after %v, over %s", s.host.Name(), to.host.Name(), took,
				s.transports(to))
			return c
		}
		s.t.Logf("%s does not reach %s, after %v: %v", s.host.Name(), to.host.Name(), took, err)
		if socket.Pause(ctx, again) != nil {
			s.t.Fatalf("%s does not reach %s in %v", s.host.Name(), to.host.Name(), within)
		}
	}
}

// mustReach makes one call, which has to work, within some time.
func (s *stem) mustReach(to *stem, within time.Duration) call {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	start := time.Now()
	c, err := s.call(ctx, to)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		s.t.Fatalf("%s does not reach %s, after %v: %v", s.host.Name(), to.host.Name(), took, err)
	}
	s.t.Cleanup(func() { c.Conn.Close() })
	s.t.Logf("%s reaches %s after %v, over %s", s.host.Name(), to.host.Name(), took,
		s.transports(to))
	return c
}

// mustFail makes one call, which has to fail, within some time, and returns why.
func (s *stem) mustFail(to *stem, within time.Duration) (why string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*within)
	defer cancel()
	start := time.Now()
	c, err := s.call(ctx, to)
	if err == nil {
		c.Conn.Close()
		s.t.Fatalf("%s reaches %s", s.host.Name(), to.host.Name())
	}
	took := time.Since(start).Round(time.Millisecond)
	s.t.Logf("%s does not reach %s, after %v: %v", s.host.Name(), to.host.Name(), took, err)
	if took > within {
		s.t.Errorf("to find that out took %v, want %v", took, within)
	}
	return err.Error()
}

// mustEnd waits until a call is cut.
func (s *stem) mustEnd(c call, within time.Duration) {
	s.t.Helper()
	start := time.Now()
	c.Conn.SetDeadline(start.Add(within))
	if n, err := c.Conn.Read(make([]byte, 1)); n > 0 || err == nil ||
		errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Errorf("the call is not cut: read %d bytes after %v, %v", n, time.Since(start), err)
	}
}
