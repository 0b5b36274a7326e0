// Package addresstest has names and peer IDs for tests.
package addresstest

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
)

// Must parses what a test knows to be right, and panics if it is not.
func Must[From, To any](from From, parse func(From) (To, error)) To {
	to, err := parse(from)
	if err != nil {
		panic(err)
	}
	return to
}

// Name is the name of a cell.
func Name(text string) address.Name { return Must(text, address.ParseName) }

// Petname is a name for a peer.
func Petname(text string) address.Petname { return Must(text, address.ParsePetname) }

// ID returns one peer ID for each n: an Ed25519 key that is n and otherwise zeros, in its CID form.
func ID(n int) address.ID {
	cid := make([]byte, 40)
	copy(cid, []byte{1, 0x72, 0x00, 36, 0x08, 1, 0x12, 32})
	binary.BigEndian.PutUint64(cid[32:], uint64(n))
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid)
	return Must("b"+strings.ToLower(text), address.ParseID)
}
