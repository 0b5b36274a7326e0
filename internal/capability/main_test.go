package capability

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A machine is one that makes keys.
type machine struct {
	private ed25519.PrivateKey
	id      address.ID
}

// newMachine returns always the same machine for a seed.
func newMachine(t testing.TB, seed byte) machine {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	cid := append([]byte{1, 0x72, 0x00, 36, 0x08, 1, 0x12, 32},
		private.Public().(ed25519.PublicKey)...)
	id, err := address.ParseID("b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid)))
	if err != nil {
		t.Fatal(err)
	}
	return machine{private, id}
}

func (m machine) sign(message []byte) ([]byte, error) {
	return ed25519.Sign(m.private, message), nil
}

func (m machine) issue(t testing.TB, k Key) string {
	t.Helper()
	text, err := Sign(k, m.sign)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// someKey is bound to nobody; boundKey to one peer.
func someKey(t testing.TB) Key {
	return Key{Serial: "0123456789abcdef", Cell: addresstest.Name("retina"),
		Expires: time.Unix(1_900_000_000, 0)}
}

func boundKey(t testing.TB) Key {
	k := someKey(t)
	k.To = newMachine(t, 7).id
	return k
}
