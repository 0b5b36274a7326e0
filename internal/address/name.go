package address

import (
	"fmt"
	"strings"
)

// MaxName is the length of the longest Name, in bytes.
const MaxName = 63

// Name is the name of a cell, checked. It becomes a path and an argument, so the only way
// to make one is ParseName; the zero Name names nothing. Names compare with ==.
type Name struct{ text string }

// ParseName checks a cell's name: one of [a-z0-9], then up to 62 of [a-z0-9._-], without "..",
// and not ending in .toml, .sock, .lock or .log, which would collide with files beside it.
func ParseName(text string) (Name, error) {
	if err := checkName(text); err != nil {
		return Name{}, fmt.Errorf("cell name %q %w", clip(text), err)
	}
	return Name{text}, nil
}

func checkName(text string) error {
	switch {
	case text == "":
		return fmt.Errorf("is empty")
	case len(text) > MaxName:
		return fmt.Errorf("has %d bytes, the limit is %d", len(text), MaxName)
	case !isWord(text[0]):
		return fmt.Errorf("does not begin with one of a-z, 0-9")
	case strings.Contains(text, ".."):
		return fmt.Errorf("contains two dots in a row")
	}
	for i := range len(text) {
		if c := text[i]; !isWord(c) && c != '.' && c != '_' && c != '-' {
			return fmt.Errorf("contains %q: only a-z, 0-9, '.', '_' and '-' may appear",
				text[i:i+1])
		}
	}
	for _, end := range []string{".toml", ".sock", ".lock", ".log"} {
		if strings.HasSuffix(text, end) {
			return fmt.Errorf("ends in %s, as a file beside it does", end)
		}
	}
	return nil
}

func (n Name) String() string { return n.text }

// Reserved says whether the name is one of the stem's own, which no dna may carry.
func (n Name) Reserved() bool { return strings.HasPrefix(n.text, "stem.") }

func isWord(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// clip keeps a hostile text from flooding an error line.
func clip(text string) string {
	if len(text) > 80 {
		return text[:77] + "..."
	}
	return text
}
