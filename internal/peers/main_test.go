package peers

import (
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func put(t *testing.T, h home.Home, file, text string) {
	t.Helper()
	hometest.Write(t, filepath.Join(h.PeersDir(), file), text)
}

func mustGrant(words ...string) Grant { return addresstest.Must(words, ParseGrant) }
