package cellsocket

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// cellAt makes a home for the test, and a name in it.
func cellAt(t *testing.T) (home.Home, address.Name, string) {
	t.Helper()
	h, err := home.At(hometest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	cell := addresstest.Name("greet")
	path, err := h.Socket(cell)
	if err != nil {
		t.Fatal(err)
	}
	return h, cell, path
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
