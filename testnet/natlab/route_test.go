//go:build linux

package natlab

import "testing"

// The same for two hosts of one site. They share a public address, at which no router lets them call each other. Those of one
// home learn that they are neighbours by mDNS, or from the addresses that they have published.
var neighbours = []struct {
	kind Kind
	mdns bool
	want Route
}{
	{EIM, true, Direct},
	{EIM, false, Direct},
	{Symmetric, true, Direct},
	{CGN, false, Relayed},
}

// There is a line for each kind to each kind.
func TestRoutesAreComplete(t *testing.T) {
	lines := map[[2]Kind]int{}
	for _, r := range Routes {
		lines[[2]Kind{r.Dialer, r.Target}]++
	}
	for _, dialer := range Kinds {
		for _, target := range Kinds {
			if n := lines[[2]Kind{dialer, target}]; n != 1 {
				t.Errorf("%v to %v has %d lines", dialer, target, n)
			}
		}
	}
}
