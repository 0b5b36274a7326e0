package internet

import (
	"net/netip"
	"testing"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// Every kind of network does what its description says, and so what it does over a kernel.
func TestKinds(t *testing.T) {
	for _, want := range natlab.Behaviours {
		t.Run(want.Kind.String(), func(t *testing.T) {
			inWorld(t, func(w world) {
				a, b, x := w.host(natlab.Public), w.host(natlab.Public), w.host(want.Kind)
				if got := w.mapping(x, a, b); got != want.Mapping {
					t.Errorf("mapping %v, want %v", got, want.Mapping)
				}
				if want.Mapping != natlab.Blocked {
					if got := w.filter(0, a, b, x); got != want.Filter {
						t.Errorf("filter %v, want %v", got, want.Filter)
					}
				}
				got := natlab.Nobody
				if len(x.Addrs()) > 1 {
					got = w.filter(1, a, b, x)
				}
				if got != want.Filter6 {
					t.Errorf("IPv6 filter %v, want %v", got, want.Filter6)
				}
			})
		})
	}
}

// mapping calls two hosts from one socket.
func (w world) mapping(x, a, b *Host) natlab.Mapping {
	from, atA, atB := w.listen(x, 0, 5000), w.listen(a, 0, 0), w.listen(b, 0, 0)
	if !from.reaches(atA, atA.at) {
		return natlab.Blocked
	}
	one, other := from.call(atA), from.call(atB)
	switch {
	case one == other && one.Port() == 5000:
		return natlab.Kept
	case one.Addr() == other.Addr() && one.Port() != other.Port():
		return natlab.EveryOther
	}
	w.t.Fatalf("one sees %v, the other %v", one, other)
	return 0
}

// filter calls one socket, and tries which others get an answer in: on another host, and
// on another port of the same.
func (w world) filter(address int, a, b, x *Host) natlab.Filter {
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
		return natlab.Anyone
	case [3]bool{false, false, false}:
		return natlab.Called
	}
	w.t.Fatalf("another host gets in: %v, another port: %v, unasked: %v", otherHost, otherPort,
		unasked)
	return 0
}

// The hosts of one home hear each other, and get from one to the other through the
// outside if their router lets them.
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
