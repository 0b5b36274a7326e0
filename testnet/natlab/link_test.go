//go:build linux

package natlab

import (
	"strings"
	"testing"
	"time"
)

// A packet and its answer cross four lines.
func TestDelay(t *testing.T) {
	t.Parallel()
	const slow = 30 * time.Millisecond
	lab := newLab(t, Link{Delay: 10 * time.Millisecond}, Public.Site("a"), EIM.Site("x"),
		EIM.Site("far").Over(Link{Delay: slow}))
	a := lab.Host("a")
	for _, c := range []struct {
		host string
		want time.Duration
	}{{"x", 40 * time.Millisecond}, {"far", 80 * time.Millisecond}} {
		h := lab.Host(c.host)
		got := roundTrip(listenUDP(t, h, h.Addr, 0), listenUDP(t, a, a.Addr, 0))
		t.Logf("round trip of %s: %v", c.host, got)
		if got < c.want || got > c.want+8*time.Millisecond {
			t.Errorf("round trip of %s takes %v, want %v and at most 8 ms more", c.host, got,
				c.want)
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
			t.Errorf("of %d packets from %s %d arrive, want %d to %d", sent, c.from, got, c.least,
				c.most)
		}
	}
}

// A narrow line passes as much as fits, makes those wait that come at once, and drops
// what would wait too long; and a line can be changed.
func TestRate(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a", "b"))
	a, b := lab.Host("a"), lab.Host("b")
	text := strings.Repeat("x", 1000-28) // and the headers of IP and UDP
	const sent, each = 50, 10 * time.Millisecond
	for name, narrow := range map[string]*Host{"uplink": a, "downlink": b} {
		socket, callee := listenUDP(t, a, a.Addr, 0), listenUDP(t, b, b.Addr, 0)
		lab.SetLink(narrow, Link{Rate: int(1000 * time.Second / each)})
		start := time.Now()
		for range sent {
			socket.send(text, callee.at)
		}
		got, last := 0, time.Duration(0)
		for {
			heard, _ := callee.hear()
			if heard == "over" {
				break
			}
			got, last = got+1, time.Since(start)
			socket.send("over", callee.at) // there is room for one of them, sooner or later
		}
		// A packet waits for 100 ms at most, so that ten fit, and those that leave while
		// the others are sent.
		took := time.Since(start)
		if fit := 12 + int(took/each); got < 10 || got > fit || last < time.Duration(got)*each {
			t.Errorf("%s: of %d packets %d arrive in %v, want 10 to %d, each %v after another",
				name, sent, got, last, fit, each)
		}
		lab.SetLink(narrow, Link{})
	}
}

// No packets pass between partitioned hosts, whatever else both can reach.
func TestCuts(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a", "b", "c"), EIM.Site("x", "y"))
	sockets := map[string]*udp{}
	for _, name := range []string{"a", "b", "c", "x", "y"} {
		h := lab.Host(name)
		sockets[name] = listenUDP(t, h, h.Addr, 0)
	}
	reaches := func(from, to string) bool {
		t.Helper()
		sockets[from].send("knock", sockets[to].at)
		sockets[from].send("over", sockets["c"].at) // which is in nobody's way, and comes behind
		for heard := ""; heard != "over"; {
			heard, _ = sockets["c"].hear()
		}
		lab.Heal()
		sockets["c"].send("last", sockets[to].at)
		for heard, knocked := "", false; ; {
			switch heard, _ = sockets[to].hear(); heard {
			case "knock":
				knocked = true
			case "last":
				return knocked
			}
		}
	}
	hosts := func(names ...string) (some []*Host) {
		for _, name := range names {
			some = append(some, lab.Host(name))
		}
		return some
	}
	for _, c := range []struct {
		name     string
		rift     func()
		from, to string
		want     bool
	}{
		{"none", func() {}, "a", "b", true},
		{"cut", func() { lab.Cut(lab.Host("a"), lab.Host("b")) }, "a", "b", false},
		{"cut", func() { lab.Cut(lab.Host("a"), lab.Host("b")) }, "b", "a", false},
		{"cut from x", func() { lab.Cut(lab.Host("x"), lab.Host("a")) }, "y", "a", false},
		{"cut from x", func() { lab.Cut(lab.Host("x"), lab.Host("a")) }, "y", "b", true},
		{"partition", func() { lab.Partition(hosts("a", "c"), hosts("x")) }, "a", "b", false},
	} {
		if c.rift(); reaches(c.from, c.to) != c.want {
			t.Errorf("%s: %s reaches %s: %v", c.name, c.from, c.to, !c.want)
		}
	}
}
