package address

import (
	"strings"
	"testing"
)

// Three peers, each in every text form, as go-libp2p prints them. The second pair of
// base58 and base32 is the example of the libp2p peer ID specification.
var ids = []struct{ base58, base32, base36, multibase58 string }{
	{ // an Ed25519 key
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
		"bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l",
		"k51qzi5uqu5dhdmyb9bd18pypu2wp5lpv2xnskfmrqa4lb5knqryrotb05e7or",
		"z5AanNVJCxnJ4fhdT9DsSUYvwjgHpsJ4pn4bueg8bvDe6b1tDj9rmdk",
	},
	{ // the SHA-256 of an RSA key
		"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		"bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
		"k2k4r8ncs1yoluq95unsd7x2vfhgve0ncjoggwqx9vyh3vl8warrcp15",
		"zdvgqC3jczfCwLUoSyWT8GLc5UZ9aG4RkAg7XAfidRbX9qVj6",
	},
	{ // a secp256k1 key
		"16Uiu2HAkvF3sEqGDGJYuwFoLLbWBcyH2zDpbUDnnTSQPrLrbFYbe",
		"bafzaajiiaijccaqmemf3kgmjiqw4zctasqspebewlded2lr54jzy5jugfq2xpycwmu",
		"kzwfwjn5ji4pujz3qneoyf34n17zxn9u636d5m879i2xzz3v44hlk36d9rb61yd",
		"zKPJ7QRXxW7m4jqPAKZQZNrPsjBKkiu7fDXL6Hr4xodTJgB6rHrbQyji",
	},
}

// One peer is one ID, however it was written: policy and places are looked up by it.
func TestParseID(t *testing.T) {
	for _, peer := range ids {
		for _, text := range []string{peer.base58, peer.base32, peer.base36, peer.multibase58} {
			id, err := ParseID(text)
			if err != nil || id.String() != peer.base58 {
				t.Errorf("ParseID(%q) = %q, %v, want %s", text, id, err, peer.base58)
			}
			var again ID
			if err := again.UnmarshalText([]byte(text)); err != nil || again != id {
				t.Errorf("UnmarshalText(%q) gives %q, %v", text, again, err)
			}
		}
	}
}

func TestParseIDRefuses(t *testing.T) {
	peer := ids[0]
	for _, test := range []struct{ text, reason string }{
		{"", "is empty"},
		{"1", "is damaged"},
		{"Qm", "is damaged"},
		{"laptop", "is damaged"},
		{peer.base58 + "\n", "is damaged"},
		{" " + peer.base58, "is damaged"},
		{peer.base58 + peer.base58, "is damaged"},
		{strings.ToUpper(peer.base58), "is damaged"},
		{strings.ToUpper(peer.base32), "is damaged"},
		{peer.base32[:30] + "\n" + peer.base32[30:], "is damaged"},
		{"k-" + peer.base36[1:], "is damaged"},
		{peer.base36[:30] + strings.ToUpper(peer.base36[30:]), "is damaged"},
		{strings.Repeat("1", 5000), "is damaged"},
		// a CID of a file
		{"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "is damaged"},
	} {
		id, err := ParseID(test.text)
		refused(t, "ParseID", test.text, err, test.reason)
		if !id.IsZero() {
			t.Errorf("ParseID(%q) gave an ID along with its error: %q", test.text, id)
		}
	}
}

// A damaged ID must never become a petname or a host: the user would be told that no such
// peer is known, or be sent to look it up in the DNS.
func TestDamagedIDIsNoPetname(t *testing.T) {
	for _, peer := range ids {
		for _, text := range []string{peer.base58, peer.base32, peer.base36} {
			for n := 21; n < len(text); n++ {
				_, err := ParsePeer(text[:n])
				refused(t, "ParsePeer", text[:n], err, "is damaged: copy it again, whole")
				_, err = ParsePetname(text[:n])
				refused(t, "ParsePetname", text[:n], err, "looks like a peer ID")
			}
		}
	}
}

// An ID has no check digits, so a changed letter can make another ID; it makes nothing else.
func TestChangedIDIsNoPetname(t *testing.T) {
	for _, peer := range ids {
		for _, text := range []string{peer.base58, peer.base32, peer.base36} {
			for i := range text {
				for _, letter := range "0Oa1Z2" {
					changed := text[:i] + string(letter) + text[i+1:]
					got, err := ParsePeer(changed)
					if err != nil {
						refused(t, "ParsePeer", changed, err, "is damaged")
					} else if id, ok := got.ID(); !ok {
						t.Errorf("ParsePeer(%q) = %+v, not an ID", changed, got)
						// base32 ends in unused bits
					} else if id.String() == peer.base58 && changed != text && text != peer.base32 {
						t.Errorf("ParsePeer(%q) does not see the change", changed)
					}
				}
			}
		}
	}
}

// Some names of people and machines begin as IDs do.
func TestLooksLikeAnIDAndIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"Qm": "qm", "qmail": "qmail", "bafz": "bafz", "k51q": "k51q", "12D3KooW": "12d3koow",
		"Qmail.internal.example.org":      "qmail.internal.example.org",
		"Qmail.internal.example.org:4433": "qmail.internal.example.org:4433",
		"k2k4-in-the-basement.lan":        "k2k4-in-the-basement.lan",
	} {
		if peer, err := ParsePeer(text); err != nil || peer.String() != want {
			t.Errorf("ParsePeer(%q) = %v, %v, want %s", text, peer, err, want)
		}
	}
}
