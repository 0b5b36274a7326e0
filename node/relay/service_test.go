package relay

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAllow(t *testing.T) {
	const friend, stranger = peer.ID("friend"), peer.ID("stranger")
	friends := func() []peer.ID { return []peer.ID{friend} }
	for name, c := range map[string]struct {
		policy           Policy
		private          bool
		friend, stranger bool
	}{
		"public mesh":          {"", false, true, false},
		"public mesh, trusted": {Trusted, false, true, false},
		"private mesh":         {"", true, true, true},
		"public mesh, public":  {Public, false, true, true},
		"private mesh, nobody": {None, true, false, false},
	} {
		who := acl(c.policy.Allow(c.private, friends))
		for id, want := range map[peer.ID]bool{friend: c.friend, stranger: c.stranger} {
			if got := who.AllowReserve(id, nil); got != want {
				t.Errorf("%s: a reservation for the %s: %v", name, id, got)
			}
			if got := who.AllowConnect("", nil, id); got != want {
				t.Errorf("%s: a call to the %s: %v", name, id, got)
			}
		}
	}
}
