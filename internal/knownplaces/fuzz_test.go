package knownplaces

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/textfile"
)

// FuzzPlaces checks that a file that can be read can be written and read again, with the same
// content, and that an error names the file in one line.
func FuzzPlaces(f *testing.F) {
	id := addresstest.ID(1).String()
	for _, text := range []string{"", "['192.168.1.5']\nid = '" + id + "'\n",
		"['[::1]:4433']\nid = '" + id + "'\nsince = 2026-11-23T03:06:57Z\n", "['a']\n", "[a.b]\n",
		"a = 1\n", "[\n", "['a\\nb']\n", "[\"\\u0000\"]\nid = '" + id + "'\n",
		"[a]\nid = '" + id + "'\nsince = 2026-11-23T03:06:57.5+02:00\n", "[a]\nsince = " +
			"1979-05-27\n"} {
		f.Add([]byte(text))
	}
	h := hometest.New(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(h.Places(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := read(h)
		if err != nil {
			if !strings.HasPrefix(err.Error(), h.Places()+":") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if err := textfile.Write(h.Places(), all); err != nil {
			t.Fatalf("%q cannot be written again: %v", text, err)
		}
		again, err := read(h)
		same := func(a, b Known) bool { return a.ID == b.ID && a.Since.Equal(b.Since) }
		if err != nil || !maps.EqualFunc(again, all, same) {
			t.Errorf("%q became %v, want %v, %v", text, again, all, err)
		}
		for place := range all {
			if peer, err := address.ParsePeer(place); err == nil {
				if at, ok := peer.Place(); ok && at.String() == place {
					if known, ok, err := Find(h, at); !ok || err != nil ||
						!same(known, all[place]) {
						t.Errorf("%q: found %v, %v at %s", text, known, err, place)
					}
				}
			}
		}
	})
}
