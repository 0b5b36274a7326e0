package invite

import (
	"encoding/base32"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testID returns one peer ID for each n.
func testID(t testing.TB, n int) address.ID {
	t.Helper()
	cid := make([]byte, 40)
	copy(cid, []byte{1, 0x72, 0x00, 36, 0x08, 1, 0x12, 32})
	binary.BigEndian.PutUint64(cid[32:], uint64(n))
	return must(t, "b"+strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid)), address.ParseID)
}

func must[From, To any](t testing.TB, from From, parse func(From) (To, error)) To {
	t.Helper()
	to, err := parse(from)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func grant(t testing.TB, words ...string) peers.Grant { return must(t, words, peers.ParseGrant) }

func newHome(t *testing.T) home.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "inv") // short, as a home has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := home.At(dir)
	if err == nil {
		err = h.Make()
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var tomorrow = time.Date(2026, 11, 23, 3, 6, 57, 0, time.UTC)
