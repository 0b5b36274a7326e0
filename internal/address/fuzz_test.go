package address

import (
	"strings"
	"testing"
	"unicode"
)

// What parses prints back to the same meaning, in both forms, as one short word that fits
// a request line.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"retina", "retina@" + id, "retina@" +
			cid, "retina@Laptop", "retina@192.168.1.5:4433", "retina@[::1]:1", "retina@::ffff:1.2.3.4",
		"retina@Host.example.org.", "retina@/ip4/1.2.3.4/udp/1/quic-v1/p2p/" +
			id, "cell://local/retina?key=aB3",
		"cell://%2Fip4%2F1.2.3.4/x", "cell://%6Cocal/x", "retina@", "@", "cell://", "retina@/%2f?x=%zz", "retina@fe80::1%25eth0",
		"retina@BAFZaajaiaejcal72gwuz2or47oy", // in lower case it would look like an ID
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		for _, printed := range []string{a.String(), a.URL()} {
			if again, err := Parse(printed); err != nil || again != a {
				t.Errorf("%q prints as %q, which parses to %+v, %v", text, printed, again, err)
			}
			if len(printed) > maxAddress || strings.ContainsFunc(printed, notPrinted) {
				t.Errorf("%q prints as %q", text, printed)
			}
		}
	})
}

func notPrinted(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar
}

// A name that parses is safe as a file name and as an argument.
func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"retina", "edge_detector", "stem.list", "a..b", "../x", "-x",
		"x.sock", "é", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseName(text)
		if err != nil {
			return
		}
		bad := strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" ||
			strings.ContainsAny(text[:1], "._-") ||
			strings.Contains(text, "..") || len(text) > MaxName
		if bad || name.String() != text {
			t.Errorf("ParseName(%q) = %q", text, name)
		}
	})
}

// An ID has one text, whatever it was read from.
func FuzzParseID(f *testing.F) {
	for _, peer := range ids {
		f.Add(peer.base58)
		f.Add(peer.base32)
		f.Add(peer.base36)
		f.Add(peer.multibase58)
		f.Add(peer.base58[1:])
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		again, err := ParseID(id.String())
		if err != nil || again != id {
			t.Errorf("ParseID(%q) = %q, which parses to %q, %v", text, id, again, err)
		}
		if n := len(id.String()); n < minID || n > 53 || strings.Trim(id.String(), base58) != "" {
			t.Errorf("ParseID(%q) = %q", text, id)
		}
	})
}
