//go:build linux

package natlab

import (
	"testing"
	"time"
)

// A packet and its answer cross four lines.
func TestDelay(t *testing.T) {
	t.Parallel()
	const slow = 30 * time.Millisecond
	lab := newLab(t, Link{Delay: 10 * time.Millisecond}, Public.Site("a"), EIM.Site("x"), EIM.Site("far").Over(Link{Delay: slow}))
	a := lab.Host("a")
	for _, c := range []struct {
		host string
		want time.Duration
	}{{"x", 40 * time.Millisecond}, {"far", 80 * time.Millisecond}} {
		h := lab.Host(c.host)
		got := roundTrip(listenUDP(t, h, h.Addr, 0), listenUDP(t, a, a.Addr, 0))
		t.Logf("round trip of %s: %v", c.host, got)
		if got < c.want || got > c.want+8*time.Millisecond {
			t.Errorf("round trip of %s takes %v, want %v and at most 8 ms more", c.host, got, c.want)
		}
	}
}

// roundTrip is the shortest of some.
func roundTrip(near, far *udp) time.Duration {
	shortest := time.Hour
	for range 10 {
		start := time.Now()
		far.send("answer", near.call(far))
		near.hear()
		shortest = min(shortest, time.Since(start))
	}
	return shortest
}

// A line loses its share, of many packets and of no other line's.
func TestLoss(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("good", "other"), Public.Site("bad").Over(Link{Loss: 0.3}))
	const sent = 1000
	for _, c := range []struct {
		from        string
		most, least int
	}{{"other", sent, sent}, {"bad", sent * 8 / 10, sent * 6 / 10}} {
		from, to := lab.Host(c.from), lab.Host("good")
		socket, callee := listenUDP(t, from, from.Addr, 0), listenUDP(t, to, to.Addr, 0)
		check(t, callee.SetReadBuffer(4<<20))
		for range sent {
			socket.send("call", callee.at)
		}
		dialTCP(t, from, to) // it tries until it gets through
		if got := len(callee.heard()); got < c.least || got > c.most {
			t.Errorf("of %d packets from %s %d arrive, want %d to %d", sent, c.from, got, c.least, c.most)
		}
	}
}
