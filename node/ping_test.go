package node

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/trace"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// gather returns a tell that keeps what it hears.
func gather(events *[]trace.Event) func(trace.Event) error {
	return func(e trace.Event) error {
		*events = append(*events, e)
		return nil
	}
}

func find(events []trace.Event, kind trace.Kind) (trace.Event, bool) {
	i := slices.IndexFunc(events, func(e trace.Event) bool { return e.Kind == kind })
	if i < 0 {
		return trace.Event{}, false
	}
	return events[i], true
}

// A ping tells what is dialled, what fails, what connects and how often it was answered,
// and the second one that there is a connection. Nobody is left to tell afterwards.
func TestPingTells(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	var events []trace.Event
	if err := a.Ping(nettest.Context(t), b.ID(), 3, gather(&events), at(t, b, "quic-v1")); err != nil {
		t.Fatal(err)
	}
	dial, _ := find(events, trace.Dial)
	connected, _ := find(events, trace.Connected)
	if !strings.HasPrefix(at(t, b, "quic-v1").String(), dial.Address+"/") ||
		connected.Address != dial.Address || connected.Route != "direct quic" {
		t.Errorf("dials %+v, is connected %+v", dial, connected)
	}
	end := events[len(events)-1]
	if end.Kind != trace.End || end.Sum.Asked != 3 || end.Sum.Answered != 3 || end.Sum.Min <= 0 ||
		end.Sum.Min > end.Sum.Median || end.Sum.Median > end.Sum.Max {
		t.Errorf("the end is %+v, %+v", end, end.Sum)
	}

	events = nil
	if err := a.Ping(nettest.Context(t), b.ID(), 1, gather(&events)); err != nil {
		t.Fatal(err)
	}
	if found, _ := find(events, trace.Found); found.Source != trace.Here || len(found.Seen) != 1 {
		t.Errorf("a second ping finds %+v", found)
	}
	if !a.tracer.Idle() {
		t.Error("a trace is still running")
	}
}

// Whom nobody knows is not reached, and all that was tried is told.
func TestPingFails(t *testing.T) {
	a, nobody := startNode(t, Config{}), testIdentity(t).ID()
	var events []trace.Event
	err := a.Ping(nettest.Context(t), nobody, 1, gather(&events), mustPlace(t, "/ip4/127.0.0.1/tcp/1"))
	failed, ok := find(events, trace.Failed)
	if err == nil || !ok || failed.Address != "/ip4/127.0.0.1/tcp/1" || failed.Reason == "" {
		t.Errorf("%v; %+v", err, events)
	}
	if err := a.Ping(nettest.Context(t), a.ID(), 1, gather(&events)); err == nil {
		t.Error("pings itself")
	}
}

// A peer that was restarted elsewhere is reached anew, whether or not the end of the old
// connection was noticed in time.
func TestPingOutlivesItsPeer(t *testing.T) {
	a, identity := startNode(t, Config{}), testIdentity(t)
	b, err := New(Config{Identity: identity, Mesh: "none", NoMDNS: true,
		Listen: []netip.Addr{loopback}})
	if err != nil {
		t.Fatal(err)
	}
	var events []trace.Event
	if err := a.Ping(nettest.Context(t), b.ID(), 1, gather(&events), at(t, b, "quic-v1")); err != nil {
		t.Fatal(err)
	}
	b.Close()
	again := startNode(t, Config{Identity: identity})
	events = nil
	if err := a.Ping(nettest.Context(t), again.ID(), 3, gather(&events),
		at(t, again, "quic-v1")); err != nil {
		t.Errorf("%v; %+v", err, events)
	}
}

// When the user has gone, the ping ends.
func TestPingEndsWithItsUser(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	gone, ctx := errors.New("gone"), nettest.Context(t)
	err := a.Ping(ctx, b.ID(), 1000, func(trace.Event) error { return gone }, at(t, b, "tcp"))
	if !errors.Is(err, gone) || ctx.Err() != nil {
		t.Errorf("ended with %v, %v", err, ctx.Err())
	}
}

// Who was reached once is in the cache, with the time; who was not is nowhere.
func TestFindTells(t *testing.T) {
	a, b := startNode(t, Config{}), startNode(t, Config{})
	var events []trace.Event
	if err := a.Find(nettest.Context(t), b.ID(), gather(&events)); err == nil {
		t.Errorf("found a stranger: %+v", events)
	}
	var to []address.Place
	if err := a.Ping(nettest.Context(t), b.ID(), 1, func(trace.Event) error { return nil },
		append(to, at(t, b, "tcp"))...); err != nil {
		t.Fatal(err)
	}
	events = nil
	if err := a.Find(nettest.Context(t), b.ID(), gather(&events)); err != nil {
		t.Fatal(err)
	}
	sources := map[string]trace.Event{}
	for _, e := range events {
		sources[e.Source] = e
	}
	for _, source := range []string{trace.Here, trace.Cache} {
		e := sources[source]
		if e.Kind != trace.Found || len(e.Addresses) != 1 || len(e.Seen) != 1 ||
			e.Seen[0].IsZero() || !strings.HasPrefix(at(t, b, "tcp").String(), e.Addresses[0]) {
			t.Errorf("%s: %+v", source, e)
		}
	}
	for _, source := range []string{trace.MDNS, trace.DHT} {
		if e := sources[source]; e.Kind != trace.Nothing || e.Reason == "" {
			t.Errorf("%s: %+v", source, e)
		}
	}
}
