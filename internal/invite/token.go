// Package invite lets two machines become peers with one paste.
//
//	i := invite.New(cells, 1, expires, petname) // the inviter keeps it in invites/
//	err := invite.Write(h, i)
//	fmt.Println(invite.Token{…})                // and prints a token with its ID and secret
//
//	token, err := invite.ParseToken(word)       // the joiner reads it
//	key := invite.Proof(token.Secret, token.ID, token.Peer, self)
//
// The joiner calls the inviter's cell stem.join with the proof as its key. Neither the token nor
// the secret travels. To check the proof is left to package gate, to use the invite to package
// policy.
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

// Token is what the joiner needs.
type Token struct {
	// Peer is the inviter. At lists multiaddrs where it can be reached.
	Peer address.ID `json:"p"`
	At   []string   `json:"a"`
	// Mesh is the inviter's mesh. Bootstrap lists multiaddrs of peers in it.
	Mesh      string   `json:"m"`
	Bootstrap []string `json:"b,omitempty"`
	// ID names the invite. Secret opens it.
	ID      string `json:"i"`
	Secret  []byte `json:"s"`
	Expires int64  `json:"e"` // seconds since 1970
}

// Deadline is when the invite expires.
func (t Token) Deadline() time.Time { return time.Unix(t.Expires, 0) }

const (
	// prefix contains the version of the token.
	prefix   = "cell-invite-1."
	anyToken = "cell-invite-"
	checksum = 4 // bytes of SHA-256
	maxToken = 8 << 10
)

// The errors of ParseToken.
var (
	errNoToken = errors.New(`not an invite: an invite is one word that begins with "cell-invite-"`)
	errDamaged = errors.New("the invite is damaged or cut short: copy all of it again")
	errVersion = errors.New("the invite is from another version of cell: " +
		"both sides need the same version")
)

// String prints the token as one word.
func (t Token) String() string {
	body, err := json.Marshal(t)
	if err != nil {
		panic(err) // cannot happen: it holds strings, bytes and a number
	}
	sum := sha256.Sum256(body)
	return prefix + base64.RawURLEncoding.EncodeToString(append(body, sum[:checksum]...))
}

// ParseToken reads a token. The error says whether the text is not a token, is damaged, or is from
// another version.
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

// areWords checks a stranger's texts, which become words of requests, terminal output and commands
// in hints.
func areWords(texts ...string) bool {
	for _, text := range texts {
		if strings.ContainsFunc(text, isForeign) {
			return false
		}
	}
	return true
}

// isForeign reports whether a character cannot be in a mesh name or multiaddr.
func isForeign(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune("-_.:/%", r))
}
