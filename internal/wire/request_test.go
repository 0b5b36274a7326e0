package wire

import (
	"errors"
	"strings"
	"testing"
)

// A line typed into socat is understood when what it means is plain.
func TestParseRequestIsLenient(t *testing.T) {
	for line, want := range map[string]string{
		"  open   retina  ":        "open retina\n",
		"open retina@laptop  a=b ": "open retina@laptop a=b\n",
		"open a=b":                 "open a=b\n", // no object: for the server to refuse
	} {
		if got, err := parseRequest(line); err != nil || got.String() != want {
			t.Errorf("parseRequest(%q) = %q, %v, want %q", line, got, err, want)
		}
	}
}

// A bad request is told so, with a code, in words that are safe in a log and on a terminal.
func TestParseRequestRefuses(t *testing.T) {
	for line, reason := range map[string]string{
		"":                       "empty request",
		"   ":                    "empty request",
		"open retina laptop":     `"laptop" is not key=value`,
		"open retina =x":         `"=x" is not key=value`,
		"open retina a=b c":      `"c" is not key=value`,
		"open\tretina":           `control character "\t"`,
		"open retina\r":          `control character "\r"`,
		"open retina\x00":        `control character "\x00"`,
		"open \x1b[2Jretina":     `control character "\x1b"`,
		"open retina a=\x7f":     `control character "\x7f"`,
		"open retina \x1b[31mno": `control character "\x1b"`,
	} {
		_, err := parseRequest(line)
		if !errors.Is(err, Bad) || err.Error() != reason {
			t.Errorf("parseRequest(%q): %v, want %s", line, err, reason)
		}
	}
}

// Whoever asks for a key that came twice gets the first, and for one that did not come nothing.
func TestPairsGet(t *testing.T) {
	pairs := Pairs{{"a", "1"}, {"b", ""}, {"a", "2"}}
	for key, want := range map[string]string{"a": "1", "b": "", "c": ""} {
		if got := pairs.Get(key); got != want {
			t.Errorf("Get(%q) = %q, want %q", key, got, want)
		}
	}
}

// The longest address there is must still fit a request, with room for a few pairs.
func TestLongestAddressFits(t *testing.T) {
	const maxAddress = 3584 // as package address has it
	line := Request{Verb: Germinate, Object: strings.Repeat("a", maxAddress),
		Pairs: Pairs{{"key", strings.Repeat("v", 256)}}}.String()
	if len(line) > MaxLine {
		t.Errorf("the line has %d bytes, the limit is %d", len(line), MaxLine)
	}
}
