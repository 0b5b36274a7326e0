package invite

import (
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

// A proof is valid for one secret, one invite and two peers. Nobody who sees it can use it, here or
// elsewhere.
func TestProofIsForTheseAlone(t *testing.T) {
	inviter, joiner, other := addresstest.ID(1), addresstest.ID(2), addresstest.ID(3)
	i := New(grant(), 1, tomorrow, petnameNone)
	j := New(grant(), 1, tomorrow, petnameNone)
	proof := Proof(i.Secret, i.ID, inviter, joiner)
	if !Proves(proof, i.Secret, inviter, joiner) {
		t.Fatal("a valid proof is refused")
	}
	if got := ProofID(proof); got != i.ID {
		t.Errorf("it is said to be of %q", got)
	}
	for what, proves := range map[string]bool{
		"another's secret":    Proves(proof, j.Secret, inviter, joiner),
		"another inviter":     Proves(proof, i.Secret, other, joiner),
		"another joiner":      Proves(proof, i.Secret, inviter, other),
		"the other way round": Proves(proof, i.Secret, joiner, inviter),
		"nobody":              Proves(proof, i.Secret, inviter, address.ID{}),
		"another invite's ID": Proves(j.ID+proof[len(i.ID):], i.Secret, inviter, joiner),
		"the secret, cut": Proves(Proof(i.Secret[1:], i.ID, inviter, joiner), i.Secret[1:],
			inviter, joiner),
		"the secret, longer": Proves(Proof(append(i.Secret[:secretSize:secretSize], 0), i.ID,
			inviter, joiner), append(i.Secret[:secretSize:secretSize], 0), inviter, joiner),
	} {
		if proves {
			t.Errorf("it is valid for %s", what)
		}
	}
}

// An unknown invite has no secret. A proof with an empty secret must not be valid, since anyone can
// make it.
func TestNoSecretProvesNothing(t *testing.T) {
	inviter, joiner := addresstest.ID(1), addresstest.ID(2)
	for _, secret := range [][]byte{nil, {}} {
		for _, made := range [][]byte{nil, {}, make([]byte, secretSize), make([]byte, 64)} {
			if Proves(Proof(made, "00000000", inviter, joiner), secret, inviter, joiner) {
				t.Errorf("a proof with the secret %x is valid for the secret %x", made, secret)
			}
		}
	}
}

// No foreign text is a valid proof.
func TestGarbageProvesNothing(t *testing.T) {
	inviter, joiner := addresstest.ID(1), addresstest.ID(2)
	i := New(grant(), 1, tomorrow, petnameNone)
	proof := Proof(i.Secret, i.ID, inviter, joiner)
	garbage := []string{Proof(i.Secret, "", inviter, joiner), "", ".", "..", i.ID, i.ID + ".",
		"." + proof, proof + ".", proof + "\n", proof + "A", proof + "=", " " + proof,
		strings.ToUpper(i.ID) + proof[len(i.ID):], i.ID + "." + proof, "../x." +
			proof[9:], strings.Repeat("a", 1<<16), "\xff\x00.\xff"}
	for n := range len(proof) {
		garbage = append(garbage, proof[:n], proof[n+1:], proof[:n]+"*"+proof[n+1:])
		for bit := range 8 {
			changed := []byte(proof)
			changed[n] ^= 1 << bit
			garbage = append(garbage, string(changed))
		}
	}
	for _, text := range garbage {
		for _, secret := range [][]byte{i.Secret, nil} {
			if text != proof && Proves(text, secret, inviter, joiner) {
				t.Errorf("%.100q proves something", text)
			}
		}
	}
}

// ProofID returns a valid ID or "", since the ID becomes a path.
func TestProofID(t *testing.T) {
	for proof, want := range map[string]string{
		"0123abcd.x": "0123abcd", "0123abcd.": "0123abcd", "0123abcd.x.y": "0123abcd", "0123abcd": "", "": "", ".": "",
		"0123ABCD.x": "", "0123abc.x": "", "0123abcde.x": "", "../../ab.x": "", "0123abcg.x": "", "0123abcd00.x": "", "\x00.x": "",
	} {
		if got := ProofID(proof); got != want {
			t.Errorf("ProofID(%q) = %q, want %q", proof, got, want)
		}
	}
}

// A proof by one version must be valid for the next: the two sides are updated at different times.
func TestProofStaysAsItIs(t *testing.T) {
	const want = "0123abcd.7FgOCPtza8A-Aqyk6zRpAlmh5SHYjmGOem4ghjl3omM"
	if got := Proof([]byte("0123456789abcdef"), "0123abcd", addresstest.ID(1),
		addresstest.ID(2)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
