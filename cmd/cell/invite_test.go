package main

import (
	"fmt"
	"strings"
	"testing"
)

// A machine behind a router that has many interfaces is reached by its relays, so no
// token may be without them.
func TestTokenKeepsRelays(t *testing.T) {
	var addrs []string
	for i := range 30 {
		addrs = append(addrs, fmt.Sprintf("/ip4/10.0.%d.1/tcp/4433", i))
	}
	for i := range 6 {
		addrs = append(addrs, fmt.Sprintf("/ip4/45.1.0.%d/tcp/4433/p2p/R/p2p-circuit", i))
	}
	chosen := tokenAddrs(addrs)
	if n := strings.Count(strings.Join(chosen, " "), "p2p-circuit"); len(chosen) != maxTokenAddrs ||
		n != maxTokenRelayed || chosen[0] != addrs[0] {
		t.Errorf("%d addresses are chosen, %d of them relayed: %q", len(chosen), n, chosen)
	}
	if few := tokenAddrs(addrs[:3]); len(few) != 3 {
		t.Errorf("of three, %q are chosen", few)
	}
}
