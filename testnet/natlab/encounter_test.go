//go:build linux

package natlab

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

const (
	delay = 10 * time.Millisecond
	rtt   = 4 * delay

	// findWait bounds the time from the start of a stem until others can call it, and
	// findable is when they should be able to.
	findWait = 10 * time.Second
	findable = 500 * time.Millisecond
	// callWait bounds a first call.
	callWait = 10 * time.Second
	// directWait bounds the time from the first byte to a direct connection, where there
	// should be one.
	directWait = 8 * time.Second
	// relayedWait is how long a call is watched that should stay relayed. A hole is
	// punched within a second, or not at all.
	relayedWait = 3 * time.Second
)

// encounter is a call between two hosts of an internet that nobody has called in before:
// a new lab, new homes, new identities.
type encounter struct {
	name  string
	sites []Site // in which the hosts "dialer" and "target" are
	mdns  bool
	want  Route
}

// outcome is what was seen of one.
type outcome struct {
	encounter
	// from the call of someone else, just after the start of the target's process, to the
	// first byte
	early  time.Duration
	first  time.Duration // from the dialer's call to the first byte
	direct time.Duration // from the dialer's call to a direct connection
	next   time.Duration // the first byte of a second call, after that
	// the transports of connections that there were already: stems of one mesh meet
	before string
	began  string // those at the first byte
	ended  string // and those in the end
	route  Route
	tries  int // a punch may miss, on a busy machine above all
}

// meet starts the stems and makes the call.
func (o *outcome) meet(t *testing.T) {
	sites := []Site{Public.Site("member1", "member2", "member3", "member4"), EIM.Site("seeker")}
	lab := newLab(t, Link{Delay: delay}, append(sites, o.sites...)...)
	mesh := startMesh(t, lab, "member1", "member2", "member3", "member4")[0]
	seeker, dialer, target := newStem(t, lab.Host("seeker")), newStem(t,
		lab.Host("dialer")), newStem(t, lab.Host("target"))
	for _, who := range []*stem{seeker, dialer} {
		target.run("trust", who.id, "--cells", "echo")
	}
	flags := mesh.bootstrap()
	if !o.mdns {
		flags = append(flags, "--no-mdns")
	}
	seeker.up(flags...)
	seeker.joined()
	target.up(flags...)
	o.find(t, seeker, target)
	dialer.up(flags...)
	dialer.joined()
	for _, c := range dialer.connections(target) {
		if c.Direction == "in" && !o.mdns {
			t.Errorf("the target has called the dialer, over %s: this is not a first call",
				c.Transport)
		}
	}
	o.before = dialer.transports(target)
	o.call(t, dialer, target)
}

// startMesh runs the public stems that everyone else relies on; the first is the one that
// is named to them.
func startMesh(t *testing.T, lab *Lab, names ...string) (members []*stem) {
	for i, name := range names {
		member := newStem(t, lab.Host(name))
		flags := []string{"--no-mdns"}
		if i > 0 {
			flags = append(flags, members[0].bootstrap()...)
			defer member.joined()
		}
		member.up(flags...)
		members = append(members, member)
	}
	return members
}

// find has someone call the target as soon as it should be there, and until that works.
// That is the seeker, a third party that nobody can call: the dialer has not been there
// yet, and the target has a connection to each public member anyway.
func (o *outcome) find(t *testing.T, seeker, target *stem) {
	if socket.Pause(t.Context(), findable-time.Since(target.began)) != nil {
		return
	}
	var err error
	start := time.Now()
	found := eventually(t.Context(), findWait, func() bool {
		ctx, cancel := context.WithDeadline(t.Context(), target.began.Add(findWait))
		defer cancel()
		var c call
		if c, err = seeker.call(ctx, target); err != nil {
			return false
		}
		c.Conn.Close()
		return true
	})
	if !found {
		t.Errorf("nobody can call the target in %v: %v", findWait, err)
		return
	}
	o.early = time.Since(start)
}

// call makes the first call and watches what way it takes.
func (o *outcome) call(t *testing.T, dialer, target *stem) {
	ctx, cancel := context.WithTimeout(t.Context(), callWait)
	defer cancel()
	start := time.Now()
	c, err := dialer.call(ctx, target)
	if err != nil {
		t.Errorf("call: %v", err)
		return
	}
	defer c.Conn.Close()
	o.first = time.Since(start)
	o.began = dialer.transports(target)

	wait := directWait
	if o.want == Relayed {
		wait = relayedWait
	}
	o.route = Relayed
	if eventually(t.Context(), wait, func() bool { return isDirect(dialer.transports(target)) }) {
		o.route, o.direct = Direct, time.Since(start)
	}
	o.ended = dialer.transports(target)

	// The first call goes on, and others come through, too.
	ctx, cancel = context.WithTimeout(t.Context(), callWait)
	defer cancel()
	if err := c.echo(ctx); err != nil {
		t.Errorf("the first call does not last: %v", err)
	}
	start = time.Now()
	next, err := dialer.call(ctx, target)
	if err != nil {
		t.Errorf("second call: %v", err)
		return
	}
	o.next = time.Since(start)
	next.Conn.Close()
}

// isDirect says whether one of the transports is not a relay.
func isDirect(transports string) bool { return directOf(transports) != "" }

// directOf returns the first that is not.
func directOf(transports string) string {
	for name := range strings.SplitSeq(transports, "+") {
		if name != "relay" {
			return name
		}
	}
	return ""
}
