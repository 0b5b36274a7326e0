// Package capability makes and checks keys. A key lets its holder reach one cell until it expires.
//
//	text, err := capability.Sign(capability.Key{…}, identity.Sign)
//	key, err := capability.Verify(text, issuer)
//
// The cell's machine signs the key, so it can check the key later without a list and without
// asking anyone. A key has exactly one text. The caller checks when a key expires and who presents
// it; package gate does.
//
// The text is base64url, without padding, of
//
//	1 byte    version, 1
//	8 bytes   serial number, random
//	8 bytes   expiry, seconds since 1970, big-endian
//	1+n bytes length and name of the cell
//	1+n bytes length and ID of the only peer that may use it; length 0 for any holder
//	64 bytes  Ed25519 signature of "cell key\n" and all bytes before
package capability

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/cell-mesh/cell/internal/address"
)

// Key is the content of a key.
type Key struct {
	// Serial is the serial number, 16 hexadecimal digits. revoked.toml lists serial numbers.
	Serial string
	Cell   address.Name
	// To is the only peer that may use the key. If zero, any holder may.
	To      address.ID
	Expires time.Time // to the second
}

const (
	version = 1
	domain  = "cell key\n"
	// maxText is more than the length of the longest key: 1+8+8+1+63+1+53+64 bytes in base64.
	maxText = 320
)

var errNoKey = errors.New("not a key: copy all of it again")

// NewSerial returns a random serial number.
func NewSerial() string {
	var serial [8]byte
	rand.Read(serial[:]) // never fails
	return hex.EncodeToString(serial[:])
}

// Sign returns the text of the key, signed.
func Sign(k Key, sign func(message []byte) (signature []byte, err error)) (string, error) {
	serial, err := hex.DecodeString(k.Serial)
	if err != nil || len(serial) != 8 {
		return "", errors.New("serial is not 16 hexadecimal digits")
	}
	body := append([]byte{version}, serial...)
	body = binary.BigEndian.AppendUint64(body, uint64(k.Expires.Unix()))
	for _, text := range []string{k.Cell.String(), k.To.String()} {
		body = append(append(body, byte(len(text))), text...)
	}
	signature, err := sign(append([]byte(domain), body...))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(body, signature...)), nil
}

// Parse reads a key without checking its signature.
func Parse(text string) (Key, error) {
	k, _, _, err := parse(text)
	return k, err
}

// Verify reads a key and checks that the issuer signed it. It does not check whether the key has
// expired or who presents it.
func Verify(text string, issuer address.ID) (Key, error) {
	k, body, signature, err := parse(text)
	if err != nil {
		return Key{}, err
	}
	public, ok := issuer.Ed25519()
	if !ok || !ed25519.Verify(public, append([]byte(domain), body...), signature) {
		return Key{}, errors.New("the key was not made by this machine")
	}
	return k, nil
}

func parse(text string) (k Key, body, signature []byte, err error) {
	if len(text) > maxText {
		return Key{}, nil, nil, errNoKey
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) < 17+2+ed25519.SignatureSize || data[0] != version {
		return Key{}, nil, nil, errNoKey
	}
	// DecodeString ignores line ends and unused bits, but a key has only one text.
	if base64.RawURLEncoding.EncodeToString(data) != text {
		return Key{}, nil, nil, errNoKey
	}
	cut := len(data) - ed25519.SignatureSize
	body, signature = data[:cut], data[cut:]
	cell, rest, ok := field(body[17:])
	to, rest, ok2 := field(rest)
	if !ok || !ok2 || len(rest) > 0 {
		return Key{}, nil, nil, errNoKey
	}
	k.Serial = hex.EncodeToString(body[1:9])
	k.Expires = time.Unix(int64(binary.BigEndian.Uint64(body[9:17])), 0)
	if k.Cell, err = address.ParseName(cell); err != nil {
		return Key{}, nil, nil, errNoKey
	}
	if to != "" {
		if k.To, err = address.ParseID(to); err != nil || k.To.String() != to {
			return Key{}, nil, nil, errNoKey
		}
	}
	return k, body, signature, nil
}

// field reads a length and that many bytes.
func field(data []byte) (text string, rest []byte, ok bool) {
	if len(data) == 0 || len(data) < 1+int(data[0]) {
		return "", nil, false
	}
	n := 1 + int(data[0])
	return string(data[1:n]), data[n:], true
}
