package invite

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/cell-mesh/cell/internal/address/addresstest"
)

// someTokens are among the shortest and longest.
func someTokens(t testing.TB) []Token {
	i := New(grant("retina"), 1, tomorrow, petnameNone)
	short := Token{Peer: addresstest.ID(1), ID: i.ID, Secret: i.Secret}
	long := Token{Peer: addresstest.ID(1), Mesh: "garden", ID: "0123abcd",
		Secret: bytes.Repeat([]byte{0xff}, secretSize), Expires: tomorrow.Unix()}
	for range 10 {
		long.At = append(long.At, "/ip6/2001:db8::1/udp/4433/quic-v1")
		long.Bootstrap = append(long.Bootstrap,
			"/ip4/192.0.2.1/tcp/4433/p2p/"+addresstest.ID(2).String())
	}
	return []Token{short, long}
}

// A token is one word, so that a double click selects all of it, and reads back the same. Spaces
// and line ends around it are ignored.
func TestTokenThereAndBack(t *testing.T) {
	for _, token := range someTokens(t) {
		word := token.String()
		if strings.ContainsFunc(word, func(r rune) bool {
			return r > 127 || !unicode.IsLetter(r) && !unicode.IsDigit(r) &&
				!strings.ContainsRune("-_.", r)
		}) {
			t.Errorf("%q is not one word", word)
		}
		for _, pasted := range []string{word, word + "\n", "\r\n  " + word + " \t\r\n"} {
			if got, err := ParseToken(pasted); err != nil || !reflect.DeepEqual(got, token) {
				t.Errorf("%q reads as %+v, %v, want %+v", pasted, got, err, token)
			}
		}
	}
	if got := someTokens(t)[1].Deadline(); !got.Equal(tomorrow) {
		t.Errorf("the deadline is %v", got)
	}
}

// Half a token is the usual accident, and the error says so.
func TestCutTokens(t *testing.T) {
	for _, token := range someTokens(t) {
		word := token.String()
		for n := range len(word) {
			want := errDamaged
			if n < len(anyToken) {
				want = errNoToken
			}
			wantError(t, word[:n], want)
			if n > 0 { // its beginning is missing
				wantError(t, word[n:], errNoToken)
			}
			// the letter in between
			wantError(t, word[:n]+word[n+1:], errDamaged, errNoToken, errVersion)
		}
	}
}

// Any changed letter is noticed, even the last one, of which base64 does not use every bit.
func TestChangedTokens(t *testing.T) {
	for n, token := range someTokens(t) {
		letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_. =\n\x00é"
		if n > 0 {
			letters = "AB.\n" // of a long one, a few are enough
		}
		// every length modulo three
		for _, mesh := range []string{token.Mesh, token.Mesh + "a", token.Mesh + "ab"} {
			token.Mesh = mesh
			word := token.String()
			for i := range len(word) {
				for _, letter := range letters {
					other := word[:i] + string(letter) + word[i+1:]
					if other != word && strings.TrimSpace(other) != word {
						wantError(t, other, errDamaged, errNoToken, errVersion)
					}
				}
			}
		}
	}
}

// An invite from another version is not called damaged.
func TestOtherVersions(t *testing.T) {
	word := strings.TrimPrefix(someTokens(t)[0].String(), prefix)
	for _, text := range []string{"cell-invite-2." + word, "cell-invite-10." + word,
		"cell-invite-.", "cell-invite-2.", "cell-invite-b.x.y"} {
		wantError(t, text, errVersion)
	}
}

func TestGarbageIsNoToken(t *testing.T) {
	for _, text := range []string{"", " ", ".", "cell", "cell-invite", "Cell-invite-1.x",
		"retina@12D3KooW", "\x00", "\xff\xfe", addresstest.ID(1).String(),
		"cell join " + someTokens(t)[0].String(), prefix[1:], strings.Repeat("x", 1<<20)} {
		wantError(t, text, errNoToken)
	}
	for _, text := range []string{prefix, prefix + "AA", prefix + "AAAAAA", prefix + "AAAA BBBB",
		prefix + strings.Repeat("A", 1<<20),
		someTokens(t)[0].String() + " " + someTokens(t)[0].String(), someTokens(t)[0].String() +
			someTokens(t)[0].String()} {
		wantError(t, text, errDamaged)
	}
}

// The checksum is against accidents. The content behind a good one is checked as well.
func TestWellSummedNonsense(t *testing.T) {
	good := someTokens(t)[0]
	for _, body := range []string{"", "{}", "null", "[]", "7", "{", `{"p":""}`, `{"p":"laptop"}`} {
		wantError(t, sum(body), errDamaged)
	}
	for what, spoil := range map[string]func(*Token){
		"an ID that is a path":       func(t *Token) { t.ID = "../../ab" },
		"an ID that is too long":     func(t *Token) { t.ID += "00" },
		"an ID in upper case":        func(t *Token) { t.ID = "ABCDEF01" },
		"no ID":                      func(t *Token) { t.ID = "" },
		"no secret":                  func(t *Token) { t.Secret = nil },
		"a secret that is too short": func(t *Token) { t.Secret = t.Secret[1:] },
		"a secret that is too long":  func(t *Token) { t.Secret = append(t.Secret, 0) },
		"a mesh of two lines":        func(t *Token) { t.Mesh = "garden\nstatus" },
		"a mesh that paints":         func(t *Token) { t.Mesh = "\x1b[31mgarden" },
		"an address with a space": func(t *Token) {
			t.At = []string{"/ip4/192.0.2.1/tcp/1",
				"/ip4/192.0.2.1/tcp/1 key=x"}
		},
		"a bootstrap of two lines": func(t *Token) { t.Bootstrap = []string{"/ip4/192.0.2.1/tcp/1\n"} },
	} {
		token := good
		spoil(&token)
		if got, err := ParseToken(token.String()); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	large := good
	large.Mesh = strings.Repeat("x", maxToken)
	wantError(t, large.String(), errDamaged)
}

// sum makes a token from any body.
func sum(body string) string {
	sum := sha256.Sum256([]byte(body))
	return prefix + base64.RawURLEncoding.EncodeToString(append([]byte(body), sum[:checksum]...))
}

// Any text is a token that prints the same, or one of the three errors.
func FuzzParseToken(f *testing.F) {
	for _, token := range someTokens(f) {
		f.Add(token.String())
	}
	for _, seed := range []string{"", prefix, "cell-invite-2.x", sum(`{"p":null,"i":"00000000"}`),
		sum("{}"), sum(`{"P":"` + addresstest.ID(1).String() +
			`","i":"00000000","s":"AAAAAAAAAAAAAAAAAAAAAA=="}`), sum("{\"a\":[\"\xff\"]}")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, text := range []string{text, sum(text)} { // the second gets behind the checksum
			token, err := ParseToken(text)
			if err != nil {
				wantError(t, text, errDamaged, errNoToken, errVersion)
				continue
			}
			if again, err := ParseToken(token.String()); err != nil ||
				!reflect.DeepEqual(again, token) {
				t.Errorf("%q reads as %+v, which reads back as %+v, %v", text, token, again, err)
			}
			if !validID(token.ID) || len(token.Secret) != secretSize || token.Peer.IsZero() {
				t.Errorf("%q reads as %+v", text, token)
			}
		}
	})
}

// wantError checks for one of the errors, and no token.
func wantError(t *testing.T, text string, wants ...error) {
	t.Helper()
	token, err := ParseToken(text)
	for _, want := range wants {
		if errors.Is(err, want) && reflect.DeepEqual(token, Token{}) {
			return
		}
	}
	t.Errorf("%.300q reads as %+v, %v, want %v", text, token, err, wants)
}
