package address

import (
	"strings"
	"testing"
)

// A name becomes a path and an argument: what is accepted here is what every other
// package relies on.
func TestParseName(t *testing.T) {
	for _, text := range []string{
		"a", "7", "retina", "edge_detector", "edge-detector", "v1.2", "a.b.c", "stem.list", "local", "retina.", "a-", "x.log.y",
		strings.Repeat("a", MaxName),
	} {
		name, err := ParseName(text)
		if err != nil || name.String() != text {
			t.Errorf("ParseName(%q) = %q, %v", text, name, err)
		}
	}
}

// The reason says what to change.
func TestParseNameRefuses(t *testing.T) {
	for _, test := range []struct{ text, reason string }{
		{"", "is empty"},
		{strings.Repeat("a", MaxName+1), "has 64 bytes, the limit is 63"},
		{".hidden", "does not begin with one of a-z, 0-9"},
		{"-name", "does not begin with one of a-z, 0-9"},
		{"_x", "does not begin with one of a-z, 0-9"},
		{"Retina", "does not begin with one of a-z, 0-9"},
		{"../stem", "does not begin"},
		{"a..b", "two dots in a row"},
		{"a/../../b", "two dots in a row"},
		{"a/b", `contains "/"`},
		{"reTina", `contains "T"`},
		{"a b", `contains " "`},
		{"a\x00", `contains "\x00"`},
		{"a\n", `contains "\n"`},
		{"rétina", `contains "\xc3"`},
		{"a=b", `contains "="`},
		{"retina.toml", "ends in .toml"},
		{"retina.sock", "ends in .sock"},
		{"retina.lock", "ends in .lock"},
		{"retina.log", "ends in .log"},
	} {
		name, err := ParseName(test.text)
		refused(t, "ParseName", test.text, err, test.reason)
		if name != (Name{}) {
			t.Errorf("ParseName(%q) gave a name along with its error: %q", test.text, name)
		}
	}
}

// What a dna may not be called, and only that.
func TestReserved(t *testing.T) {
	for text, want := range map[string]bool{"stem.join": true, "stem.x": true, "stem": false,
		"stem-x": false, "stemx.y": false} {
		if name := mustName(t, text); name.Reserved() != want {
			t.Errorf("%s: Reserved() = %v", text, !want)
		}
	}
}

func mustName(t *testing.T, text string) Name {
	t.Helper()
	name, err := ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// refused wants an error that gives the reason, on one line that a hostile text cannot flood.
func refused(t *testing.T, what, text string, err error, reason string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s(%q) was accepted, want %q", what, text, reason)
	case !strings.Contains(err.Error(), reason):
		t.Errorf("%s(%q): %v\nwant %q in it", what, text, err, reason)
	case strings.ContainsAny(err.Error(), "\n\r\x00\x1b") || len(err.Error()) > 1000:
		t.Errorf("%s(%q): not a line for a terminal: %q", what, text, err.Error())
	}
}
