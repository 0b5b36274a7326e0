package discovery

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestParseMesh(t *testing.T) {
	for name, want := range map[string]meshName{
		"":                      public,
		"public":                public,
		"none":                  none,
		"lab":                   "lab",
		"a-1":                   "a-1",
		strings.Repeat("m", 32): meshName(strings.Repeat("m", 32)),
	} {
		if got, err := parseMesh(name); err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"Lab", "a b", "a/b", "a.b", "é", "a\n",
		strings.Repeat("m", 33)} {
		if _, err := parseMesh(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The service names and protocol prefixes of two meshes must differ, and no service name
// may end in another, since mDNS compares the ends of names.
func TestMeshesAreApart(t *testing.T) {
	names := []meshName{"public", "lab", "lab-2", "x-lab", "cell", "x-cell",
		meshName(strings.Repeat("m", 32))}
	for _, a := range names {
		for _, b := range names {
			if a != b && (a.prefix() == b.prefix() ||
				strings.HasSuffix(a.service(), b.service())) {
				t.Errorf("%s and %s share a name", a, b)
			}
		}
		if label, _, _ := strings.Cut(a.service(), "."); len(label) > 63 {
			t.Errorf("%s: the DNS label has %d bytes", a, len(label))
		}
	}
}

func TestBootstrapIsGrouped(t *testing.T) {
	self, other := newID(t), newID(t)
	infos, err := parseBootstrap("lab", []string{
		fmt.Sprint("/ip4/192.0.2.1/tcp/4433/p2p/", other),
		fmt.Sprint("/ip4/192.0.2.1/tcp/4433/p2p/", self),
		fmt.Sprint("/ip4/192.0.2.1/udp/4433/quic-v1/p2p/", other),
	}, self)
	if err != nil || len(infos) != 1 || infos[0].ID != other || len(infos[0].Addrs) != 2 {
		t.Errorf("got %v, %v", infos, err)
	}
	if infos, err := parseBootstrap(public, nil, self); err != nil || len(infos) == 0 {
		t.Errorf("public mesh: %v, %v", infos, err)
	}
}

// The public mesh can be joined without DNS.
func TestPublicBootstrapWithoutDNS(t *testing.T) {
	infos, err := parseBootstrap(public, nil, newID(t))
	if err != nil {
		t.Fatal(err)
	}
	hasIP := func(addr ma.Multiaddr) bool {
		first := addr[0].Protocol().Code
		return first == ma.P_IP4 || first == ma.P_IP6
	}
	if !slices.ContainsFunc(infos, func(info peer.AddrInfo) bool {
		return slices.ContainsFunc(info.Addrs, hasIP)
	}) {
		t.Errorf("no peer has an IP address: %v", infos)
	}
}
