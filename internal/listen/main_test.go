package listen

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

// cellAt makes a home for the test, and a name in it.
func cellAt(t *testing.T) (home.Home, address.Name, string) {
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
	cell, err := address.ParseName("greet")
	if err != nil {
		t.Fatal(err)
	}
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
