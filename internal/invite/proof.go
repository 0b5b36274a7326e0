package invite

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
)

const (
	secretSize = 16 // bytes
	idSize     = 4  // bytes
)

// Proof proves to the inviter that the joiner has the invite's secret. It is bound to the IDs of
// both, which the handshake proves, so nobody else can use it. The joiner presents it as the key
// of a call to the cell stem.join.
func Proof(secret []byte, id string, inviter, joiner address.ID) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("cell join\n" + id + "\n" + inviter.String() + "\n" + joiner.String()))
	return id + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ProofID returns the ID of the proof's invite, or "" if the text is not a proof.
func ProofID(proof string) string {
	id, _, ok := strings.Cut(proof, ".")
	if !ok || !validID(id) {
		return ""
	}
	return id
}

// Proves checks a proof in constant time. It is false without a secret, as for an unknown invite:
// anyone can compute a proof with an empty secret.
func Proves(proof string, secret []byte, inviter, joiner address.ID) bool {
	id := ProofID(proof)
	// Computed first, so that an unknown ID takes the same time.
	right := hmac.Equal([]byte(proof), []byte(Proof(secret, id, inviter, joiner)))
	return right && id != "" && len(secret) == secretSize
}

// validID requires lower case, since the ID is a file name and some file systems ignore case.
func validID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == idSize && hex.EncodeToString(raw) == id
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
