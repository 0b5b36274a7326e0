package address

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base32"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// ID is a peer ID as checked text, in its base58 form: the hash of a peer's public key, or the
// key itself when it is short. The only way to make one is ParseID; the zero ID is nobody.
// IDs compare with ==.
type ID struct{ text string }

func (id ID) String() string { return id.text }

// IsZero says whether the ID is nobody's.
func (id ID) IsZero() bool { return id.text == "" }

// ParseID reads a peer ID in base58 (12D3KooW…, Qm…) or as a CIDv1 in base32 (bafz…) or
// base36 (k51…). The forms are those of the libp2p peer ID specification.
func ParseID(text string) (ID, error) {
	hash, err := decodeID(text)
	if err != nil {
		return ID{}, fmt.Errorf("peer ID %q %w", clip(text), err)
	}
	return ID{encodeBase58(hash)}, nil
}

// MarshalText prints the ID, so that a text file can hold one.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// Ed25519 returns the public key that the ID is, which an Ed25519 peer's ID holds whole.
func (id ID) Ed25519() (key ed25519.PublicKey, ok bool) {
	hash, ok := decodeBase58(id.text)
	if !ok || len(hash) != 38 { // see isPeerHash
		return nil, false
	}
	return ed25519.PublicKey(hash[6:]), true
}

// looksLikeID says whether someone who wrote text meant a peer ID, perhaps a damaged one.
func looksLikeID(text string) bool {
	if strings.Contains(strings.TrimRight(text, "."), ".") {
		return false // a host name; a full stop at the end comes from a sentence
	}
	low := strings.ToLower(text) // as a petname is stored
	for _, start := range []string{"12D3KooW", "16Uiu2HA", "Qm", "bafz", "k51q", "k2k4", "kzwf"} {
		if len(text) > 20 && (strings.HasPrefix(text, start) || strings.HasPrefix(low, start)) {
			return true
		}
	}
	return len(text) >= minID && strings.Trim(text, base58+"0OIl") == "" // letters and digits alone
}

// minID is the length of the shortest valid text, base58 of a SHA-256.
const minID = 46

var errDamaged = errors.New("is damaged: copy it again, whole")

// maxID bounds the work of decoding; the longest valid text, base32 of a secp256k1 key,
// has 67 letters.
const maxID = 80

func decodeID(text string) ([]byte, error) {
	if text == "" {
		return nil, errors.New("is empty")
	}
	if len(text) > maxID {
		return nil, errDamaged
	}
	if text[0] == '1' || strings.HasPrefix(text, "Qm") {
		hash, ok := decodeBase58(text)
		if !ok || !isPeerHash(hash) {
			return nil, errDamaged
		}
		return hash, nil
	}
	cid, ok := decodeMultibase(text)
	// CIDv1, codec libp2p-key
	if !ok || !bytes.HasPrefix(cid, []byte{1, 0x72}) || !isPeerHash(cid[2:]) {
		return nil, errDamaged
	}
	return cid[2:], nil
}

// isPeerHash accepts the multihashes that peer IDs have: the SHA-256 of a public key, or a
// protobuf-encoded Ed25519 or secp256k1 public key itself.
func isPeerHash(hash []byte) bool {
	switch {
	case len(hash) == 34:
		return bytes.HasPrefix(hash, []byte{0x12, 32})
	case len(hash) == 38:
		return bytes.HasPrefix(hash, []byte{0x00, 36, 0x08, 1, 0x12, 32})
	case len(hash) == 39:
		return bytes.HasPrefix(hash, []byte{0x00, 37, 0x08, 2, 0x12, 33})
	}
	return false
}

func decodeMultibase(text string) ([]byte, bool) {
	switch text[0] {
	case 'b':
		// base32 skips line ends
		if text != strings.ToLower(text) || strings.ContainsAny(text, "\r\n") {
			return nil, false
		}
		encoding := base32.StdEncoding.WithPadding(base32.NoPadding)
		out, err := encoding.DecodeString(strings.ToUpper(text[1:]))
		return out, err == nil
	case 'k':
		if text != strings.ToLower(text) || strings.ContainsAny(text, "+-_") {
			return nil, false
		}
		n, ok := new(big.Int).SetString(text[1:], 36)
		if !ok {
			return nil, false
		}
		return n.Bytes(), true // a CIDv1 begins with 1: there are no leading zeros to lose
	case 'z':
		return decodeBase58(text[1:])
	}
	return nil, false
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

func decodeBase58(text string) ([]byte, bool) {
	n, digit, radix := new(big.Int), new(big.Int), big.NewInt(58)
	for i := range len(text) {
		v := strings.IndexByte(base58, text[i])
		if v < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, radix), digit.SetInt64(int64(v)))
	}
	zeros := len(text) - len(strings.TrimLeft(text, "1"))
	return append(make([]byte, zeros), n.Bytes()...), true
}

func encodeBase58(data []byte) string {
	var reversed []byte
	n, digit, radix := new(big.Int).SetBytes(data), new(big.Int), big.NewInt(58)
	for n.Sign() > 0 {
		n.DivMod(n, radix, digit)
		reversed = append(reversed, base58[digit.Int64()])
	}
	for _, b := range data {
		if b != 0 {
			break
		}
		reversed = append(reversed, '1')
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return string(reversed)
}
