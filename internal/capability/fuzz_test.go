package capability

import (
	"strings"
	"testing"
)

// What parses and is signed again has the same body. So the holder sees exactly what the issuer
// will check.
func FuzzParse(f *testing.F) {
	m := newMachine(f, 1)
	cid := append(decode(f, golden)[:25], []byte(strings.Repeat("x", 130))...)
	cid[24] = 63
	for _, seed := range []string{
		golden, goldenBound, golden[1:], golden +
			"AA", encode(make([]byte, 83)), encode(cid), "", "AQ",
		// an ID that has a shorter text
		withTo(f, "bafzaajaiaejca4syrpdu6gdx4wsdnokxkprgzxf4wrstuc34gxw5k5jrag2so5gk"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Parse(text)
		if err != nil {
			if k != (Key{}) {
				t.Errorf("%q: %v, and yet %+v", text, err, k)
			}
			return
		}
		again := m.issue(t, k)
		data, want := decode(t, again), decode(t, text)
		if cut := len(data) - 64; len(data) != len(want) ||
			string(data[:cut]) != string(want[:cut]) {
			t.Errorf("%q parses as %+v, which prints as %q", text, k, again)
		}
		if len(again) != len(text) || strings.ContainsAny(text, "=\r\n") {
			t.Errorf("%q is not how a key prints", text)
		}
		if back, err := Verify(again, m.id); err != nil || back != k {
			t.Errorf("%q signed again: %+v, %v", text, back, err)
		}
	})
}

// withTo is a key to a peer whose ID is written as in text.
func withTo(t testing.TB, id string) string {
	data := decode(t, golden)
	cut := len(data) - 64
	to := append([]byte{byte(len(id))}, id...)
	return encode(append(append(append([]byte{}, data[:cut-1]...), to...), data[cut:]...))
}
