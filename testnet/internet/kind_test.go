package internet

import (
	"net/netip"
	"testing"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// mapping is what address and port a socket has for those outside.
type mapping int

const (
	blocked    mapping = iota // none: its packets do not get out
	kept                      // its own
	everyOther                // another one for each destination
)

// filter is whose packets get in to a socket that others have not called.
type filter int

const (
	called filter = iota // those of the address and port it has called
	anyone
	nobody // it has no public address
)

// Every kind of network does what natlab's does: this is the table of natlab's own test.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		kind    natlab.Kind
		mapping mapping
		filter  filter // IPv4
		filter6 filter
	}{
		{natlab.Public, kept, anyone, anyone},
		{natlab.EIM, kept, called, nobody},
		{natlab.Symmetric, everyOther, called, nobody},
		{natlab.Cone, kept, anyone, nobody},
		{natlab.CGN, kept, called, nobody},
		{natlab.TCPOnly, blocked, called, nobody},
		{natlab.V6, kept, called, anyone},
		{natlab.V6Firewall, kept, called, called},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			inWorld(t, func(w world) {
				a, b, x := w.host(natlab.Public), w.host(natlab.Public), w.host(c.kind)
				if got := w.mapping(x, a, b); got != c.mapping {
					t.Errorf("mapping %v, want %v", got, c.mapping)
				}
				if c.mapping != blocked {
					if got := w.filter(0, a, b, x); got != c.filter {
						t.Errorf("filter %v, want %v", got, c.filter)
					}
				}
				got := nobody
				if len(x.Addrs()) > 1 {
					got = w.filter(1, a, b, x)
				}
				if got != c.filter6 {
					t.Errorf("IPv6 filter %v, want %v", got, c.filter6)
				}
			})
		})
	}
}

// mapping calls two hosts from one socket.
func (w world) mapping(x, a, b *Host) mapping {
	from, atA, atB := w.listen(x, 0, 5000), w.listen(a, 0, 0), w.listen(b, 0, 0)
	if !from.reaches(atA, atA.at) {
		return blocked
	}
	one, other := from.call(atA), from.call(atB)
	switch {
	case one == other && one.Port() == 5000:
		return kept
	case one.Addr() == other.Addr() && one.Port() != other.Port():
		return everyOther
	}
	w.t.Fatalf("one sees %v, the other %v", one, other)
	return 0
}

// filter calls one socket, and tries which others get an answer in: on another host, and on another port of the same.
func (w world) filter(address int, a, b, x *Host) filter {
	socket, callee := w.listen(x, address, 5001), w.listen(a, address, 0)
	seen := socket.call(callee)
	if !callee.reaches(socket, seen) {
		w.t.Fatal("who was called can't answer")
	}
	otherHost := w.listen(b, address, 0).reaches(socket, seen)
	otherPort := w.listen(a, address, 0).reaches(socket, seen)
	silent := w.listen(x, address, 5002)
	unasked := w.listen(b, address, 0).reaches(silent, netip.AddrPortFrom(seen.Addr(), 5002))
	switch [3]bool{otherHost, otherPort, unasked} {
	case [3]bool{true, true, true}:
		return anyone
	case [3]bool{false, false, false}:
		return called
	}
	w.t.Fatalf("another host gets in: %v, another port: %v, unasked: %v", otherHost, otherPort, unasked)
	return 0
}

// The hosts of one home hear each other, and get from one to the other through the outside if their router lets them.
func TestNeighbours(t *testing.T) {
	inWorld(t, func(w world) {
		a, home := w.host(natlab.Public), w.neighbours(natlab.EIM, 2)
		mine, theirs := w.listen(home[0], 0, 5000), w.listen(home[1], 0, 5000)
		if seen := mine.call(theirs); seen != mine.at {
			t.Errorf("a neighbour comes from %v, want %v", seen, mine.at)
		}
		callee := w.listen(a, 0, 0)
		one, other := mine.call(callee), theirs.call(callee)
		if one.Addr() != other.Addr() || one.Port() == other.Port() {
			t.Errorf("they come from %v and %v", one, other)
		}
		for _, hairpin := range []bool{false, true, false} {
			home[0].Site().SetHairpin(hairpin)
			theirs.send("so that the router lets an answer in", one)
			mine.hear()
			if mine.reaches(theirs, other) != hairpin {
				t.Errorf("hairpin %v, and %v, outside, leads back in: %v", hairpin, other, !hairpin)
			}
		}
	})
}

// Subscribers of one carrier are no neighbours, and come from one address.
func TestSubscribers(t *testing.T) {
	inWorld(t, func(w world) {
		a, carrier := w.host(natlab.Public), w.neighbours(natlab.CGN, 2)
		callee := w.listen(a, 0, 0)
		mine, theirs := w.listen(carrier[0], 0, 5000), w.listen(carrier[1], 0, 5000)
		one, other := mine.call(callee), theirs.call(callee)
		if one.Addr() != other.Addr() || one.Port() == other.Port() {
			t.Errorf("they come from %v and %v", one, other)
		}
		if !callee.reaches(theirs, other) || !callee.reaches(mine, one) {
			t.Error("an answer does not arrive")
		}
		if mine.reaches(theirs, theirs.at) {
			t.Error("a subscriber is called at its home's address")
		}
	})
}
