// Package invite is how two machines come to know each other with one paste: the token
// that one prints and the other joins with, the proof of having it, and the folder
// invites/ where the inviter remembers what it has printed.
package invite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
)

// Token is what the joining side is told.
type Token struct {
	// Peer is the inviter, and At are multiaddrs where it can be reached.
	Peer address.ID `json:"p"`
	At   []string   `json:"a"`
	// Mesh is the one the inviter is in, and Bootstrap are multiaddrs of peers in it.
	Mesh      string   `json:"m"`
	Bootstrap []string `json:"b,omitempty"`
	// ID names the invite, and Secret opens it.
	ID      string `json:"i"`
	Secret  []byte `json:"s"`
	Expires int64  `json:"e"` // seconds since 1970
}

// Deadline is when the invite expires.
func (t Token) Deadline() time.Time { return time.Unix(t.Expires, 0) }

const (
	// prefix begins a token, with its version.
	prefix   = "cell-invite-1."
	anyToken = "cell-invite-"
	checksum = 4 // bytes of SHA-256
	maxToken = 8 << 10
)

// What ParseToken tells apart.
var (
	errNoToken = errors.New(`that is no invite: an invite is one word that begins with "cell-invite-"`)
	errDamaged = errors.New("the invite is damaged or cut short: copy it again, whole")
	errVersion = errors.New("the invite is of another version of cell: both sides need the same")
)

// String prints the token as one word.
func (t Token) String() string {
	body, err := json.Marshal(t)
	if err != nil {
		panic(err) // it is made of strings and bytes
	}
	sum := sha256.Sum256(body)
	return prefix + base64.RawURLEncoding.EncodeToString(append(body, sum[:checksum]...))
}

// ParseToken reads a token. The error says whether it is none, a damaged one, or another version's.
func ParseToken(text string) (Token, error) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, anyToken) {
		return Token{}, errNoToken
	}
	word, ok := strings.CutPrefix(text, prefix)
	if !ok && strings.Contains(text, ".") {
		return Token{}, errVersion
	}
	if !ok || len(text) > maxToken {
		return Token{}, errDamaged
	}
	data, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil || len(data) <= checksum || base64.RawURLEncoding.EncodeToString(data) != word {
		return Token{}, errDamaged
	}
	body, sum := data[:len(data)-checksum], sha256.Sum256(data[:len(data)-checksum])
	if !bytes.Equal(data[len(body):], sum[:checksum]) {
		return Token{}, errDamaged
	}
	var t Token
	if err := json.Unmarshal(body, &t); err != nil {
		return Token{}, fmt.Errorf("%w (%v)", errDamaged, err)
	}
	if t.Peer.IsZero() || !validID(t.ID) || len(t.Secret) != secretSize || !areWords(t.Mesh) ||
		!areWords(t.At...) || !areWords(t.Bootstrap...) {
		return Token{}, errDamaged
	}
	return t, nil
}

// areWords keeps apart what a stranger wrote and what it ends up in: requests, of which
// it is one word, terminals, and commands that a hint suggests to paste.
func areWords(texts ...string) bool {
	for _, text := range texts {
		if strings.ContainsFunc(text, isForeign) {
			return false
		}
	}
	return true
}

// isForeign says whether a character has no place in a mesh's name or a multiaddr.
func isForeign(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("-_.:/%", r))
}
