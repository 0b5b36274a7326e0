package peers

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

func madeHome(t *testing.T) home.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell") // short, as a home has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := home.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	return h
}

func put(t *testing.T, h home.Home, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.PeersDir(), file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustName(t *testing.T, text string) address.Name { return must(t, text, address.ParseName) }
func mustID(t *testing.T, text string) address.ID     { return must(t, text, address.ParseID) }
func mustPetname(t *testing.T, text string) address.Petname {
	return must(t, text, address.ParsePetname)
}
func mustGrant(t *testing.T, words ...string) Grant { return must(t, words, ParseGrant) }

func must[From, To any](t *testing.T, from From, parse func(From) (To, error)) To {
	t.Helper()
	to, err := parse(from)
	if err != nil {
		t.Fatal(err)
	}
	return to
}
