package httpcell

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
)

// FuzzAddress checks that a host only becomes an address that parses, that names a petname, a
// peer ID or this machine, and that does not depend on the case of the host.
func FuzzAddress(f *testing.F) {
	for _, host := range []string{"web", "WEB.", "web.laptop", "web." + base32, "web." + base58,
		"api.v1.local", "web.10.0.0.1", "..", "web@laptop", "web.a@b", "[::1]", "web.é", "web.ſ",
		"cell://web", "web.LOCAL", "web.K"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		text, err := Address(host)
		if err != nil {
			return
		}
		to, err := address.Parse(text)
		if err != nil || to.String() != text {
			t.Fatalf("%q: address %q parses to %v, %v", host, text, to, err)
		}
		if _, isPlace := to.Peer.Place(); isPlace || to.Key != "" {
			t.Errorf("%q: %q has a place or a key", host, text)
		}
		if low, err := Address(strings.ToLower(host)); low != text || err != nil {
			t.Errorf("%q: %q, but %q, %v in lower case", host, text, low, err)
		}
		u, err := url.Parse("http://" + host + "/")
		if err == nil && u.Host != host {
			t.Errorf("%q: accepted, but a URL has the host %q", host, u.Host)
		}
	})
}
