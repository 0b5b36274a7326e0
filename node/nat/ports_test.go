package nat

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/event"
	ma "github.com/multiformats/go-multiaddr"
)

// The router's word for one port counts if the other one is open and nobody found this one
// closed.
func TestVouch(t *testing.T) {
	t.Parallel()
	quic := ma.StringCast("/ip4/45.1.0.1/udp/4433/quic-v1")
	tcp := ma.StringCast("/ip4/45.1.0.1/tcp/4433")
	seen := ma.StringCast("/ip4/45.1.0.1/udp/99/quic-v1")
	own := ma.StringCast("/ip4/45.2.0.1/tcp/4433")
	mapped := []ma.Multiaddr{quic, tcp}
	for name, c := range map[string]struct {
		mapped, reachable, unreachable, unknown, want []ma.Multiaddr
	}{
		"one is open": {mapped, []ma.Multiaddr{tcp}, nil, []ma.Multiaddr{quic, seen},
			[]ma.Multiaddr{tcp, quic}},
		"the other is": {mapped, []ma.Multiaddr{quic}, nil, []ma.Multiaddr{seen, tcp},
			[]ma.Multiaddr{quic, tcp}},
		"one is closed": {mapped, []ma.Multiaddr{tcp}, []ma.Multiaddr{quic},
			[]ma.Multiaddr{seen}, []ma.Multiaddr{tcp}},
		"nothing is known": {mapped, nil, nil, []ma.Multiaddr{quic, tcp, seen}, nil},
		"another is open": {mapped, []ma.Multiaddr{own}, nil, []ma.Multiaddr{quic, tcp},
			[]ma.Multiaddr{own}},
		"nothing is mapped": {nil, []ma.Multiaddr{tcp}, nil, []ma.Multiaddr{quic},
			[]ma.Multiaddr{tcp}},
		"both are confirmed": {mapped, []ma.Multiaddr{tcp, quic}, nil, nil,
			[]ma.Multiaddr{tcp, quic}},
	} {
		e := vouch(c.mapped, event.EvtHostReachableAddrsChanged{Reachable: c.reachable,
			Unreachable: c.unreachable, Unknown: c.unknown})
		if !slices.EqualFunc(e.Reachable, c.want, ma.Multiaddr.Equal) {
			t.Errorf("%s: %v are reachable, want %v", name, e.Reachable, c.want)
		}
		if len(e.Reachable)+len(e.Unknown) != len(c.reachable)+len(c.unknown) {
			t.Errorf("%s: %v are unknown", name, e.Unknown)
		}
	}
}
