//go:build linux

package natlab

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/trace"
)

// `cell ping` says by which way a peer is reached, when that became a direct one, and if
// it does not, why; and `cell doctor` what kind of NAT there is.
func TestPing(t *testing.T) {
	needLab(t)
	for _, c := range []struct {
		name           string
		dialer, target Kind
		want           Route
		judge          func(*testing.T, []trace.Event)
		diagnosis      string // a part of what `cell doctor` says at the dialer
	}{
		{"sym to sym", Symmetric, Symmetric, Relayed, tellsWhy,
			"NAT with a different port for each peer"},
		{"cone to cone", Cone, Cone, Direct, tellsWhen, "NAT with one port for all peers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for try := 1; ; try++ { // a punch may miss
				events, dialer := pingAcross(t, c.dialer, c.target)
				got := wayOf(events)
				if got == c.want {
					c.judge(t, events)
					dialer.isTold(c.diagnosis)
					return
				}
				if try == maxTries {
					t.Fatalf("the way is %v, want %v", got, c.want)
				}
			}
		})
	}
}

// pingAcross has a stem of one kind of network ping one of another, which nobody has called before.
func pingAcross(t *testing.T, dialerAt, targetAt Kind) (events []trace.Event, dialer *stem) {
	lab := newLab(t, Link{Delay: delay}, Public.Site("member1", "member2", "member3", "member4"),
		dialerAt.Site("dialer"), targetAt.Site("target"))
	mesh := startMesh(t, lab, "member1", "member2", "member3", "member4")[0]
	dialer = newStem(t, lab.Host("dialer"))
	target := newStem(t, lab.Host("target"))
	flags := append(mesh.bootstrap(), "--no-mdns")
	target.up(flags...)
	target.findable()
	dialer.up(flags...)
	dialer.findable()
	said := dialer.run("ping", "--json", "-c", "2", target.id)
	t.Logf("cell ping says:\n%s", said)
	for line := range strings.Lines(said) {
		var e trace.Event
		check(t, json.Unmarshal([]byte(line), &e))
		events = append(events, e)
	}
	return events, dialer
}

// isTold waits until `cell doctor` says it there: a kind of NAT is told by two who have
// seen it, at the least.
func (s *stem) isTold(diagnosis string) {
	s.t.Helper()
	said := ""
	ok := eventually(s.t.Context(), readyWait, func() bool {
		said = s.run("doctor")
		return strings.Contains(said, diagnosis)
	})
	if !ok {
		s.t.Errorf("cell doctor does not say that %s:\n%s", diagnosis, said)
	}
}

// findable waits until others can find the stem: it is public, or a relay lets others
// through to it.
func (s *stem) findable() {
	s.t.Helper()
	ok := eventually(s.t.Context(), readyWait, func() bool {
		now := s.status().Network
		return now.Reachability == "public" || len(now.Relays) > 0
	})
	if !ok {
		s.t.Fatalf("%s can't be found by others", s.host.Name())
	}
}

// wayOf is the one that the last answer took.
func wayOf(events []trace.Event) Route {
	for _, e := range slices.Backward(events) {
		if e.Kind == trace.Answer {
			if strings.HasPrefix(e.Route, "direct ") {
				return Direct
			}
			return Relayed
		}
	}
	return None
}

// tellsWhy fails the test unless it was said by whom the peer is relayed, and that our
// NAT and failed punches are the reason.
func tellsWhy(t *testing.T, events []trace.Event) {
	because := ""
	for _, e := range events {
		if e.Kind == trace.Connected && e.Relay == "" {
			t.Errorf("it is not said who relays: %+v", e)
		}
		if e.Kind == trace.Direct {
			t.Errorf("a relayed peer is said to be direct: %+v", e)
		}
		if e.Kind == trace.Relayed {
			because += e.Reason + "; "
		}
	}
	for _, part := range []string{"this machine is behind a symmetric NAT",
		"the hole punch failed 3 times"} {
		if !strings.Contains(because, part) {
			t.Errorf("it is not said that %s: %s", part, because)
		}
	}
}

// tellsWhen fails the test unless it was said when a direct connection stood, and nothing
// of reasons for a relay.
func tellsWhen(t *testing.T, events []trace.Event) {
	var direct float64
	for _, e := range events {
		switch e.Kind {
		case trace.Connected, trace.Direct:
			if strings.HasPrefix(e.Route, "direct ") && direct == 0 {
				direct = e.MS
			}
		case trace.Relayed:
			t.Errorf("a direct peer is said to be relayed: %+v", e)
		}
	}
	if end := events[len(events)-1]; direct == 0 || end.Kind != trace.End || direct >= end.MS {
		t.Errorf("direct after %v ms; the end is %+v", direct, end)
	}
}
