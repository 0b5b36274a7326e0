package addresstest

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base32"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
)

// Signer returns the ID of a machine and its signing function: the same ones for each seed.
func Signer(seed byte) (id address.ID, sign func(message []byte) ([]byte, error)) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	cid := append([]byte{1, 0x72, 0x00, 36, 0x08, 1, 0x12, 32}, public...)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid)
	return Must("b"+strings.ToLower(text), address.ParseID),
		func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }
}
