package holepunch

import (
	"net/netip"
	"slices"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

func TestFilterLocal(t *testing.T) {
	seen := ma.StringCast("/ip4/198.51.100.1/udp/4433/quic-v1")
	six := ma.StringCast("/ip6/2001:db8::1/udp/4433/quic-v1")
	none := filter{Config{Outside: func() (at netip.AddrPort) { return at },
		Mapped: func() []ma.Multiaddr { return nil }}}
	got := none.FilterLocal("", []ma.Multiaddr{seen, six})
	want := []ma.Multiaddr{seen, six, ma.StringCast("/ip4/198.51.100.1/tcp/4433")}
	if len(got) != len(want) || !slices.ContainsFunc(got, want[2].Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}
