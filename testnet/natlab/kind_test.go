//go:build linux

package natlab

import (
	"net/netip"
	"testing"
)

// Every kind of network does what its description says, over a kernel.
func TestKinds(t *testing.T) {
	for _, want := range Behaviours {
		t.Run(want.Kind.String(), func(t *testing.T) {
			t.Parallel()
			lab := newLab(t, Link{}, Public.Site("a", "b"), want.Kind.Site("x"))
			a, b, x := lab.Host("a"), lab.Host("b"), lab.Host("x")
			if got := udpMapping(t, x, a, b); got != want.Mapping {
				t.Errorf("mapping %v, want %v", got, want.Mapping)
			}
			if public, seen := publicAddr(x), dialTCP(t, x, a); seen.Addr() != public {
				t.Errorf("a TCP connection comes from %v, want %v", seen, public)
			}
			if want.Mapping != Blocked {
				if got := udpFilter(t, a.Addr, b.Addr, x.Addr, a, b, x); got != want.Filter {
					t.Errorf("filter %v, want %v", got, want.Filter)
				}
			}
			got := Nobody
			if x.Addr6.IsValid() {
				got = udpFilter(t, a.Addr6, b.Addr6, x.Addr6, a, b, x)
			}
			if got != want.Filter6 {
				t.Errorf("IPv6 filter %v, want %v", got, want.Filter6)
			}
		})
	}
}

func publicAddr(h *Host) netip.Addr {
	if len(h.Routers) == 0 {
		return h.Addr
	}
	return h.Routers[len(h.Routers)-1].Addr
}

// udpMapping calls two hosts from one socket.
func udpMapping(t *testing.T, x, a, b *Host) Mapping {
	if !udpWorks(t, x, a) {
		return Blocked
	}
	from := listenUDP(t, x, x.Addr, 5000)
	one, other := from.call(listenUDP(t, a, a.Addr, 0)), from.call(listenUDP(t, b, b.Addr, 0))
	want := netip.AddrPortFrom(publicAddr(x), 5000)
	switch {
	case one == want && other == want:
		return Kept
	case one.Addr() == want.Addr() && other.Addr() == want.Addr() && one.Port() != other.Port():
		return EveryOther
	}
	t.Fatalf("one sees %v, the other %v", one, other)
	return 0
}

// udpWorks says whether a packet gets from one host to another: before a TCP connection
// that is begun after it.
func udpWorks(t *testing.T, from, to *Host) bool {
	t.Helper()
	socket := listenUDP(t, to, to.Addr, 0)
	listenUDP(t, from, from.Addr, 0).send("call", socket.at)
	dialTCP(t, from, to)
	return len(socket.heard()) > 0
}

// udpFilter calls one socket, and tries which others get an answer in: on another host,
// and on another port of the same.
func udpFilter(t *testing.T, atA, atB, atX netip.Addr, a, b, x *Host) Filter {
	socket := listenUDP(t, x, atX, 5001)
	callee := listenUDP(t, a, atA, 0)
	seen := socket.call(callee)
	if !callee.getsThrough(socket, seen) {
		t.Fatal("who was called can't answer")
	}
	otherHost := listenUDP(t, b, atB, 0).getsThrough(socket, seen)
	otherPort := listenUDP(t, a, atA, 0).getsThrough(socket, seen)
	silent := listenUDP(t, x, atX, 5002)
	unasked := listenUDP(t, b, atB, 0).getsThrough(silent, netip.AddrPortFrom(seen.Addr(), 5002))
	switch [3]bool{otherHost, otherPort, unasked} {
	case [3]bool{true, true, true}:
		return Anyone
	case [3]bool{false, false, false}:
		return Called
	}
	t.Fatalf("another host gets in: %v, another port: %v, unasked: %v", otherHost, otherPort,
		unasked)
	return 0
}

// The hosts of one home hear each other, by multicast too, and do not get from one to the
// other through the outside.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a"), EIM.Site("x", "y"))
	a, x, y := lab.Host("a"), lab.Host("x"), lab.Host("y")
	mine, theirs := listenUDP(t, x, x.Addr, 0), listenUDP(t, y, y.Addr, 0)
	if seen := mine.call(theirs); seen != mine.at {
		t.Errorf("a neighbour comes from %v, want %v", seen, mine.at)
	}
	outside := theirs.call(listenUDP(t, a, a.Addr, 0))
	if mine.getsThrough(theirs, outside) {
		t.Errorf("%v, outside, leads back in", outside)
	}
	group := listenMulticast(t, y)
	mine.send("anyone?", netip.AddrPortFrom(mdns, uint16(group.at.Port())))
	if text, from := group.hear(); text != "anyone?" || from != mine.at {
		t.Errorf("heard %q from %v", text, from)
	}
}

// Subscribers of one carrier are no neighbours, and come from one address.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a"), CGN.Site("x", "y"))
	a, x, y := lab.Host("a"), lab.Host("x"), lab.Host("y")
	callee := listenUDP(t, a, a.Addr, 0)
	one, other := listenUDP(t, x, x.Addr, 5000).call(callee), listenUDP(t, y, y.Addr,
		5000).call(callee)
	if one.Addr() != other.Addr() || one.Port() == other.Port() {
		t.Errorf("they come from %v and %v", one, other)
	}
}
