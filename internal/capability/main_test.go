package capability

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine is an issuer of keys.
type machine struct {
	id   address.ID
	sign func([]byte) ([]byte, error)
}

// newMachine returns the same machine for each seed.
func newMachine(_ testing.TB, seed byte) machine {
	id, sign := addresstest.Signer(seed)
	return machine{id, sign}
}

func (m machine) issue(t testing.TB, k Key) string {
	t.Helper()
	text, err := Sign(k, m.sign)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// someKey is for any holder, boundKey for one peer.
func someKey(t testing.TB) Key {
	return Key{Serial: "0123456789abcdef", Cell: addresstest.Name("retina"),
		Expires: time.Unix(1_900_000_000, 0)}
}

func boundKey(t testing.TB) Key {
	k := someKey(t)
	k.To = newMachine(t, 7).id
	return k
}
