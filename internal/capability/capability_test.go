package capability

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

// A key reads back as it was made.
func TestSignThenVerify(t *testing.T) {
	m := newMachine(t, 1)
	long := someKey(t)
	long.Cell = addresstest.Name(strings.Repeat("a", address.MaxName))
	longTo := long
	// the longest form of an ID
	longTo.To = addresstest.Must("16Uiu2HAm6HQpNrKJxoCrVjHM65CJ2SgX6BhEiVnsLCvs7UyJvsSC",
		address.ParseID)
	old := boundKey(t)
	old.Expires = time.Unix(-1, 0)
	last := someKey(t)
	last.Expires = time.Unix(math.MaxInt64>>2, 0)
	for _, k := range []Key{someKey(t), boundKey(t), long, longTo, old, last} {
		text := m.issue(t, k)
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q cannot be part of an address", text)
		}
		if got, err := Verify(text, m.id); err != nil || got != k {
			t.Errorf("Verify(%q) = %+v, %v, want %+v", text, got, err, k)
		}
		if got, err := Parse(text); err != nil || got != k {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", text, got, err, k)
		}
	}
}

// Old keys must stay valid. If one of these fails, the format has changed and needs a new version.
func TestFormatStaysAsItIs(t *testing.T) {
	m := newMachine(t, 1)
	for text, k := range map[string]Key{
		golden:      someKey(t),
		goldenBound: boundKey(t),
	} {
		if got := m.issue(t, k); got != text {
			t.Errorf("%+v prints as\n%s, want\n%s", k, got, text)
		}
		if got, err := Verify(text, m.id); err != nil || got != k {
			t.Errorf("Verify(%s) = %+v, %v, want %+v", text, got, err, k)
		}
	}
}

// Made with a seed of 32 ones.
const (
	golden      = "AQEjRWeJq83vAAAAAHE_swAGcmV0aW5hANXkS0U6-PH9bn2agrrd3Lx8D7p6z70fbR1OCr4onANSia1ljfqLI1aBvTYqXzn2C6-kpygElrZZtOVJeFMQOwI"
	goldenBound = "AQEjRWeJq83vAAAAAHE_swAGcmV0aW5hNDEyRDNLb29XUmF3UGJ4UHRQMWVaYUpwdW1HbnlXWDJEY1V5ZDNSUW55ZHIzZUF0bzRBejcOESQ0bTRwbJ7pKzRUdkszS4LapoNzDrVPXDYU4GcaK16jWhn1y0FatpbalWJEiwZO1Wl4BgpG13laMQwy2IAM"
)

// Every bit of a key counts, in its bytes and in its letters.
func TestNoBitCanBeFlipped(t *testing.T) {
	m := newMachine(t, 1)
	for _, k := range []Key{someKey(t), boundKey(t)} {
		text := m.issue(t, k)
		data := decode(t, text)
		for i := range 8 * len(data) {
			data[i/8] ^= 1 << (i % 8)
			refused(t, m.id, encode(data))
			data[i/8] ^= 1 << (i % 8)
		}
		letters := []byte(text)
		for i := range 8 * len(letters) {
			letters[i/8] ^= 1 << (i % 8)
			refused(t, m.id, string(letters))
			letters[i/8] ^= 1 << (i % 8)
		}
	}
}

// A key has exactly one text. A second one would deceive anyone who keeps a list of texts.
func TestOtherTextsAreRefused(t *testing.T) {
	m := newMachine(t, 1)
	for _, k := range []Key{someKey(t), boundKey(t)} {
		text := m.issue(t, k)
		data := decode(t, text)
		for i := range len(text) {
			refused(t, m.id, text[:i])
			refused(t, m.id, text[i+1:])
			refused(t, m.id, text[:i]+"\n"+text[i:]) // which base64 decoders skip
			refused(t, m.id, text[:i]+"\r"+text[i:])
		}
		for i := range len(data) {
			refused(t, m.id, encode(data[:i]))
			refused(t, m.id, encode(data[i+1:]))
		}
		for _, more := range []string{"=", "==", "A", "AA", "AAA", "AAAA", "\n", " ", ".", text,
			strings.Repeat("A", 1<<20)} {
			refused(t, m.id, text+more)
			refused(t, m.id, more+text)
		}
		refused(t, m.id, base64.StdEncoding.EncodeToString(data))
		refused(t, m.id, base64.URLEncoding.EncodeToString(append(data, 0)))
	}
	refused(t, m.id, "")
}

// The unused bits of the last letter must be zero. There are four or two.
func TestIdleBitsOfTheLastLetter(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	m := newMachine(t, 1)
	idle := map[int]bool{}
	for n := range 3 {
		k := someKey(t)
		k.Cell = addresstest.Name(strings.Repeat("a", 1+n))
		text := m.issue(t, k)
		idle[len(text)%4] = true
		last := strings.IndexByte(letters, text[len(text)-1])
		for i := range letters {
			if other := text[:len(text)-1] + letters[i:i+1]; i != last {
				refused(t, m.id, other)
			}
		}
	}
	if len(idle) != 3 {
		t.Errorf("the lengths left %v letters over: not every case was seen", idle)
	}
}

// Another machine's key, or a signature for another purpose, is refused.
func TestOthersKeysAreRefused(t *testing.T) {
	m, other := newMachine(t, 1), newMachine(t, 2)
	text := m.issue(t, boundKey(t))
	for what, id := range map[string]address.ID{
		"another machine": other.id, "its holder": boundKey(t).To, "nobody": {},
		"a hash": addresstest.Must("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
			address.ParseID), "a secp256k1 peer": addresstest.Must("16Uiu2HAm6HQpNrKJxoCrVjHM65CJ2SgX6BhEiVnsLCvs7UyJvsSC", address.ParseID),
	} {
		if k, err := Verify(text, id); err == nil || k != (Key{}) {
			t.Errorf("by %s it verifies: %+v", what, k)
		}
	}
	for _, purpose := range []string{"", "libp2p-tls-handshake:", "cell key", "cell join\n"} {
		text, err := Sign(boundKey(t), func(message []byte) ([]byte, error) {
			return m.sign([]byte(purpose + strings.TrimPrefix(string(message), domain)))
		})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, m.id, text)
	}
}

// Verify checks who made the key. Parse does not: it is for the holder, who cannot check.
func TestParseChecksNoSignature(t *testing.T) {
	forged := encode(append(decode(t, golden)[:27], make([]byte, ed25519.SignatureSize)...))
	if got, err := Parse(forged); err == nil {
		t.Errorf("a damaged body parses as %+v", got)
	}
	data := decode(t, golden)
	data[len(data)-1] ^= 1
	got, err := Parse(encode(data))
	if err != nil || got != someKey(t) {
		t.Errorf("Parse = %+v, %v", got, err)
	}
	refused(t, newMachine(t, 1).id, encode(data))
}

// Sign refuses what would not read back, and returns the signer's error.
func TestSignRefuses(t *testing.T) {
	m := newMachine(t, 1)
	for _, serial := range []string{"", "0123456789abcde", "0123456789abcdef00", "0123456789abcdeg",
		strings.Repeat("00", 8) + "x"} {
		k := someKey(t)
		k.Serial = serial
		if text, err := Sign(k, m.sign); err == nil {
			t.Errorf("serial %q is signed as %s", serial, text)
		}
	}
	broken := errors.New("the key file is gone")
	if text, err := Sign(someKey(t), func([]byte) ([]byte, error) {
		return nil,
			broken
	}); !errors.Is(err, broken) || text != "" {
		t.Errorf("%q, %v", text, err)
	}
	if a, b := NewSerial(), NewSerial(); len(a) != 16 || a == b {
		t.Errorf("serials %q and %q", a, b)
	}
}

// refused checks that the text is refused, and that the error does not contain it.
func refused(t *testing.T, issuer address.ID, text string) {
	t.Helper()
	k, err := Verify(text, issuer)
	if err == nil || k != (Key{}) {
		t.Errorf("%.200q verifies: %+v, %v", text, k, err)
	} else if len(text) > 8 && strings.Contains(err.Error(), text) {
		t.Errorf("the error contains the key: %v", err)
	}
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func decode(t testing.TB, text string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
