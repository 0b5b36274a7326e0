package gate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
)

// rulesOf makes rules from words for each peer and words for everyone. Bad names are left out.
func rulesOf(granted map[address.ID]string, public string) *Rules {
	rules := &Rules{Grants: map[address.ID]peers.Grant{}, Public: map[address.Name]bool{}}
	for id, words := range granted {
		var good []string
		for _, word := range strings.Fields(words) {
			if _, err := peers.ParseGrant([]string{word}); err == nil {
				good = append(good, word)
			}
		}
		rules.Grants[id], _ = peers.ParseGrant(good)
	}
	for _, word := range strings.Fields(public) {
		if cell, err := address.ParseName(word); err == nil {
			rules.Public[cell] = true
		}
	}
	return rules
}

// TestGate is the table of who may reach what.
func TestGate(t *testing.T) {
	user, laptop, stranger := Caller{}, Caller{testID(1)}, Caller{testID(2)}
	for _, test := range []struct {
		granted, public string // to the laptop, to everyone
		caller          Caller
		cell            string
		want            bool
	}{
		{"", "", user, "retina", true},
		{"", "", user, "stem.join", true},
		{"", "", laptop, "retina", false},
		{"retina", "", laptop, "retina", true},
		{"retina", "", laptop, "retina2", false},
		{"retina", "", laptop, "ret", false},
		{"retina", "", stranger, "retina", false},
		{"*", "", laptop, "retina", true},
		{"*", "", stranger, "retina", false},
		{"*", "", laptop, "stem.list", true},
		{"*", "", laptop, "stem.join", false},
		{"*", "", laptop, "stem.other", false},
		{"retina", "", laptop, "stem.list", true},
		{"", "retina", laptop, "stem.list", false},
		{"stem.list", "", laptop, "stem.list", true},
		{"stem.list", "", laptop, "stem.join", false},
		{"* stem.list", "", laptop, "stem.list", true},
		{"", "retina", stranger, "retina", true},
		{"", "retina", laptop, "retina", true},
		{"", "retina", stranger, "echo", false},
		{"", "stem.list", stranger, "stem.list", false},
		{"", "stem.list", laptop, "stem.list", false},
		{"", "*", stranger, "retina", false}, // public cells are named one by one
	} {
		rules := rulesOf(map[address.ID]string{laptop.Peer: test.granted}, test.public)
		if got := Allow(rules, test.caller, name(test.cell), "", time.Time{}); got != test.want {
			t.Errorf("granted %q, public %q: may %s reach %s? %v, want %v",
				test.granted, test.public, test.caller, test.cell, got, test.want)
		}
	}
}

// slowGate is an obvious version of the gate that goes through the lists word by word.
func slowGate(granted, public []string, cell string) bool {
	switch cell {
	case "stem.join":
		return false // there are no invites in this test
	case "stem.list":
		return len(granted) > 0
	}
	own := strings.HasPrefix(cell, "stem.")
	for _, word := range granted {
		if word == cell || word == "*" && !own {
			return true
		}
	}
	return slices.Contains(public, cell) && !own
}

// The gate agrees with the obvious version, and no peer gets another's grant.
func FuzzGate(f *testing.F) {
	f.Add(uint8(1), "retina", "retina echo", "*", "")
	f.Add(uint8(2), "stem.join", "stem.join", "*", "stem.join")
	f.Add(uint8(3), "retina", "*", "*", "retina stem.list")
	f.Add(uint8(1), "stem.list", "* stem.list", "", "stem.list")
	f.Add(uint8(0), "a", "", "", "")
	f.Fuzz(func(t *testing.T, who uint8, text, first, second, public string) {
		cell, err := address.ParseName(text)
		if err != nil {
			return
		}
		ids := []address.ID{{}, testID(1), testID(2), testID(3)}
		words := []string{"", first, second, ""}
		n := int(who) % len(ids)
		rules := rulesOf(map[address.ID]string{ids[1]: first, ids[2]: second}, public)
		want := n == 0 || slowGate(strings.Fields(words[n]), strings.Fields(public), text)
		if got := Allow(rules, Caller{ids[n]}, cell, "", time.Time{}); got != want {
			t.Errorf("caller %d, cell %s, grants %q and %q, public %q: %v, want %v", n, cell, first,
				second, public, got, want)
		}
	})
}
