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

// Proof proves to the inviter that the joiner has the invite's secret. It holds for these
// two alone, whose IDs the handshake has proved: somebody else who comes to see it can't
// use it. It has the form of a key: the joiner presents it to the cell stem.join.
func Proof(secret []byte, id string, inviter, joiner address.ID) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("cell join\n" + id + "\n" + inviter.String() + "\n" + joiner.String()))
	return id + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ProofID returns the ID of the invite that a proof is of, and "" for what is none.
func ProofID(proof string) string {
	id, _, ok := strings.Cut(proof, ".")
	if !ok || !validID(id) {
		return ""
	}
	return id
}

// Proves checks a proof in a time that does not tell how much of it is right. No secret,
// as an unknown invite has, is never proved: anyone can make a proof of none.
func Proves(proof string, secret []byte, inviter, joiner address.ID) bool {
	id := ProofID(proof)
	// first, so that a guessed ID takes as long
	right := hmac.Equal([]byte(proof), []byte(Proof(secret, id, inviter, joiner)))
	return right && id != "" && len(secret) == secretSize
}

// validID wants lower case, since an ID is a file's name and there are file systems that
// tell no case.
func validID(id string) bool {
	raw, err := hex.DecodeString(id)
	return err == nil && len(raw) == idSize && hex.EncodeToString(raw) == id
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
