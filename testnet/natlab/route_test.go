//go:build linux

package natlab

import "testing"

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

// There is one for each kind.
func TestBehavioursAreComplete(t *testing.T) {
	lines := map[Kind]int{}
	for _, b := range Behaviours {
		lines[b.Kind]++
	}
	for _, kind := range Kinds {
		if n := lines[kind]; n != 1 {
			t.Errorf("%v has %d lines", kind, n)
		}
	}
}
