//go:build linux

package natlab

import "testing"

// route is how the bytes of a call get to the other side.
type route int

const (
	none    route = iota // not at all
	relayed              // through a third stem, and it stays so
	direct               // without one, at once or soon
	late                 // direct once the dialer knows its own public address; until then its calls are relayed
)

func (r route) String() string { return [...]string{"none", "relayed", "direct", "late"}[r] }

// is says whether a route that was seen is the one that was wanted.
func (r route) is(wanted route) bool {
	return r == wanted || wanted == late && (r == direct || r == relayed)
}

// The route that a call takes from one kind of network to another, for all of them. Relayed are those between a symmetric
// router and a side that cannot just be called over IPv4: nobody can know at which port the router will let
// an answer in. All others have a direct way: the side that can be called is called, or both sides call at
// the same moment, and each router lets in what looks like an answer.
var routes = []struct {
	dialer, target Kind
	want           route
}{
	{EIM, EIM, direct},
	{EIM, Symmetric, relayed},
	{EIM, Cone, direct},
	{EIM, CGN, direct},
	{EIM, TCPOnly, direct},
	{EIM, V6, direct},
	{EIM, V6Firewall, direct},
	{EIM, Public, direct},

	{Symmetric, EIM, relayed},
	{Symmetric, Symmetric, relayed},
	{Symmetric, Cone, direct},
	{Symmetric, CGN, relayed},
	{Symmetric, TCPOnly, relayed},
	{Symmetric, V6, relayed},
	{Symmetric, V6Firewall, relayed},
	{Symmetric, Public, direct},

	{Cone, EIM, direct},
	{Cone, Symmetric, late}, // the target calls back at once, to an address that must have been told before
	{Cone, Cone, direct},
	{Cone, CGN, direct},
	{Cone, TCPOnly, direct},
	{Cone, V6, direct},
	{Cone, V6Firewall, direct},
	{Cone, Public, direct},

	{CGN, EIM, direct},
	{CGN, Symmetric, relayed},
	{CGN, Cone, direct},
	{CGN, CGN, direct},
	{CGN, TCPOnly, direct},
	{CGN, V6, direct},
	{CGN, V6Firewall, direct},
	{CGN, Public, direct},

	{TCPOnly, EIM, direct},
	{TCPOnly, Symmetric, relayed},
	{TCPOnly, Cone, direct},
	{TCPOnly, CGN, direct},
	{TCPOnly, TCPOnly, direct},
	{TCPOnly, V6, direct},
	{TCPOnly, V6Firewall, direct},
	{TCPOnly, Public, direct},

	{V6, EIM, direct},
	{V6, Symmetric, relayed},
	{V6, Cone, direct},
	{V6, CGN, direct},
	{V6, TCPOnly, direct},
	{V6, V6, direct},
	{V6, V6Firewall, direct},
	{V6, Public, direct},

	{V6Firewall, EIM, direct},
	{V6Firewall, Symmetric, relayed},
	{V6Firewall, Cone, direct},
	{V6Firewall, CGN, direct},
	{V6Firewall, TCPOnly, direct},
	{V6Firewall, V6, direct},
	{V6Firewall, V6Firewall, direct},
	{V6Firewall, Public, direct},

	{Public, EIM, direct},
	{Public, Symmetric, direct},
	{Public, Cone, direct},
	{Public, CGN, direct},
	{Public, TCPOnly, direct},
	{Public, V6, direct},
	{Public, V6Firewall, direct},
	{Public, Public, direct},
}

// The same for two hosts of one site. They share a public address, at which no router lets them call each other, and
// which is all that the rest of the mesh knows of them. Only mDNS tells those of one home that they are neighbours.
var neighbours = []struct {
	kind Kind
	mdns bool
	want route
}{
	{EIM, true, direct},
	{EIM, false, relayed},
	{Symmetric, true, direct},
	{CGN, false, relayed},
}

// There is a line for each kind to each kind.
func TestRoutesAreComplete(t *testing.T) {
	lines := map[[2]Kind]int{}
	for _, r := range routes {
		lines[[2]Kind{r.dialer, r.target}]++
	}
	for _, dialer := range Kinds {
		for _, target := range Kinds {
			if n := lines[[2]Kind{dialer, target}]; n != 1 {
				t.Errorf("%v to %v has %d lines", dialer, target, n)
			}
		}
	}
}
