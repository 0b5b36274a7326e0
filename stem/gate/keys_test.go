package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/stem/stemtest"
)

const serial = "0123456789abcdef"

var (
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	secret  = []byte("0123456789abcdef")
	secret2 = []byte("fedcba9876543210")
)

// A key opens one cell to its holder until it expires, and nothing else.
func TestGateWithKeys(t *testing.T) {
	self, other := stemtest.NewIssuer(1), stemtest.NewIssuer(2)
	laptop, thief := Caller{testID(1)}, Caller{testID(2)}
	later := noon.Add(time.Hour)
	flip := func(key string, i int) string {
		letter := byte('A')
		if key[i] == letter {
			letter = 'B'
		}
		return key[:i] + string(letter) + key[i+1:]
	}
	bearer, bound := self.Key(serial, "retina", address.ID{}, later), self.Key(serial, "retina",
		laptop.Peer, later)
	for _, test := range []struct {
		what   string
		key    string
		caller Caller
		cell   string
		now    time.Time
		want   bool
	}{
		{"no key", "", laptop, "retina", noon, false},
		{"a key for any holder", bearer, laptop, "retina", noon, true},
		{"a key for any holder, stolen", bearer, thief, "retina", noon, true},
		{"a key for one peer", bound, laptop, "retina", noon, true},
		{"a key for one peer, stolen", bound, thief, "retina", noon, false},
		{"a key in its last second", bearer, laptop, "retina", later.Add(-time.Second), true},
		{"a key that expires now", bearer, laptop, "retina", later, false},
		{"an expired key", self.Key(serial, "retina", address.ID{}, noon.Add(-24*time.Hour)),
			laptop, "retina", noon, false},
		{"a key for another cell", bearer, laptop, "echo", noon, false},
		{"a key for a cell with a longer name", bearer, laptop, "retina2", noon, false},
		{"a key for a cell that is public anyway", self.Key(serial, "echo", address.ID{}, later),
			laptop, "open", noon, true},
		{"a revoked key", self.Key("00000000deadbeef", "retina", address.ID{}, later),
			laptop, "retina", noon, false},
		{"another machine's key", other.Key(serial, "retina", address.ID{}, later), laptop,
			"retina", noon, false},
		{"the holder's own key", stemtest.NewIssuer(3).Key(serial, "retina",
			stemtest.NewIssuer(3).ID, later),
			Caller{stemtest.NewIssuer(3).ID}, "retina", noon, false},
		{"a key with another name", flip(bearer, 28), laptop, "retina", noon, false},
		{"a key with another signature", flip(bearer, len(bearer)-9), laptop, "retina", noon,
			false},
		{"a key that was cut short", bearer[:len(bearer)-1], laptop, "retina", noon, false},
		{"two keys", bearer + bearer, laptop, "retina", noon, false},
		{"garbage", "sesame", laptop, "retina", noon, false},
		{"a key for stem.list", self.Key(serial, "stem.list", address.ID{}, later), laptop,
			"stem.list", noon, false},
		{"a key for stem.join", self.Key(serial, "stem.join", address.ID{}, later), laptop,
			"stem.join", noon, false},
		{"a key for a reserved name", self.Key(serial, "stem.other", laptop.Peer, later),
			laptop, "stem.other", noon, false},
		{"a bad key to what is granted anyway", "sesame", Caller{testID(3)}, "retina", noon, true},
		{"a bad key to what is public anyway", "sesame", laptop, "open", noon, true},
	} {
		rules := rulesOf(map[address.ID]string{testID(3): "retina"}, "open")
		rules.Self = self.ID
		rules.Revoked = map[string]bool{"00000000deadbeef": true}
		if got := Allow(rules, test.caller, name(test.cell), test.key, test.now); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
		// Without the list of revoked keys, only grants count.
		rules.NoKeys = true
		if got := Allow(rules, test.caller, name(test.cell), test.key,
			test.now); got != Allow(rules,
			test.caller, name(test.cell), "", test.now) {
			t.Errorf("%s, without the list of revoked keys: %v", test.what, got)
		}
	}
}

// A proof opens stem.join to its joiner and nothing else. Nothing else opens stem.join.
func TestGateWithInvites(t *testing.T) {
	self, laptop, thief, friend := testID(7), testID(1), testID(2), testID(3)
	proof := invite.Proof(secret, "0123abcd", self, laptop)
	for _, test := range []struct {
		what   string
		key    string
		caller address.ID
		cell   string
		want   bool
	}{
		{"a proof", proof, laptop, "stem.join", true},
		{"a proof by a known peer", invite.Proof(secret, "0123abcd", self, friend), friend,
			"stem.join", true},
		{"no proof", "", laptop, "stem.join", false},
		{"no proof by a peer that may reach everything", "", friend, "stem.join", false},
		{"a proof, stolen", proof, thief, "stem.join", false},
		{"a proof for another machine", invite.Proof(secret, "0123abcd", testID(8), laptop), laptop,
			"stem.join", false},
		{"a proof with another secret", invite.Proof(secret2, "0123abcd", self, laptop), laptop,
			"stem.join", false},
		{"a proof of another invite's secret", invite.Proof(secret, "4567abcd", self, laptop),
			laptop, "stem.join", false},
		{"a proof of no invite, without a secret", invite.Proof(nil, "00000000", self, laptop),
			laptop, "stem.join", false},
		{"a proof of no invite, with zeros", invite.Proof(make([]byte, 16), "00000000", self,
			laptop), laptop, "stem.join", false},
		{"a proof of an invite, without a secret", invite.Proof(nil, "0123abcd", self, laptop),
			laptop, "stem.join", false},
		{"a proof that was cut short", proof[:len(proof)-1], laptop, "stem.join", false},
		{"the invite's ID", "0123abcd.", laptop, "stem.join", false},
		{"a proof, to a cell", proof, laptop, "retina", false},
		{"a proof, to stem.list", proof, laptop, "stem.list", false},
		{"a proof, to another reserved name", proof, laptop, "stem.other", false},
	} {
		rules := rulesOf(map[address.ID]string{friend: "* stem.join"}, "")
		rules.Self = self
		rules.Invites = map[string][]byte{"0123abcd": secret, "4567abcd": secret2}
		if got := Allow(rules, Caller{test.caller}, name(test.cell), test.key,
			noon); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
	}
}

// stem.list is open to peers with any grant and to nobody else.
func TestGateOfList(t *testing.T) {
	for granted, want := range map[string]bool{"": false, "retina": true, "*": true,
		"stem.list": true, "stem.other": true} {
		rules := rulesOf(map[address.ID]string{testID(1): granted}, "retina stem.list")
		if got := Allow(rules, Caller{testID(1)}, ListCell, "", noon); got != want {
			t.Errorf("granted %q: %v", granted, got)
		}
		if Allow(rules, Caller{testID(2)}, ListCell, "", noon) {
			t.Errorf("granted %q to another: it is open", granted)
		}
	}
}

// made describes how a key or proof was made.
type made struct {
	kind     int // 0: nothing, 1: a key, 2: a proof, 3: a proof without a secret
	by, to   int // peers; to 0 means any holder
	cell     string
	left     int64 // seconds
	revoked  bool
	tampered bool // changed after it was made
}

// slowGateWith is an obvious version of the gate with keys and proofs.
func slowGateWith(granted, public []string, caller int, cell string, m made) bool {
	if caller == 0 {
		return true // the user of this machine
	}
	genuine := m.by == 1 && !m.tampered
	if cell == "stem.join" {
		return m.kind == 2 && genuine && m.to == caller
	}
	if slowGate(granted, public, cell) {
		return true
	}
	if m.kind != 1 || strings.HasPrefix(cell, "stem.") {
		return false
	}
	return genuine && m.cell == cell && (m.to == 0 || m.to == caller) && m.left > 0 && !m.revoked
}

// With keys and proofs, the gate agrees with the obvious version.
func FuzzGateWithKeys(f *testing.F) {
	f.Add(uint8(1), "retina", "", "", uint8(1), "retina", uint8(0), uint8(1), int64(1), false,
		uint16(0))
	f.Add(uint8(1), "retina", "echo", "", uint8(1), "retina", uint8(1), uint8(1), int64(0), false,
		uint16(0))
	f.Add(uint8(2), "retina", "", "open", uint8(1), "retina", uint8(2), uint8(1), int64(9), true,
		uint16(0))
	f.Add(uint8(2), "stem.list", "", "", uint8(1), "stem.list", uint8(2), uint8(1), int64(9), false,
		uint16(0))
	f.Add(uint8(1), "stem.join", "*", "", uint8(2), "", uint8(1), uint8(1), int64(0), false,
		uint16(0))
	f.Add(uint8(1), "stem.join", "*", "", uint8(3), "", uint8(1), uint8(1), int64(0), false,
		uint16(0))
	f.Add(uint8(2), "stem.join", "stem.join", "", uint8(2), "", uint8(2), uint8(1), int64(0), false,
		uint16(77))
	f.Add(uint8(3), "retina", "retina", "", uint8(1), "retina", uint8(3), uint8(2), int64(5), false,
		uint16(33))
	issuers := []stemtest.Issuer{{}, stemtest.NewIssuer(1), stemtest.NewIssuer(2)}
	ids := []address.ID{{}, testID(1), testID(2), testID(3)}
	f.Fuzz(func(t *testing.T, who uint8, text, granted, public string, kind uint8, keyCell string,
		to, by uint8, left int64, revoked bool, flip uint16) {
		cell, err := address.ParseName(text)
		if err != nil {
			return
		}
		n := int(who) % len(ids)
		m := made{kind: int(kind) % 4, by: 1 + int(by+1)%2, to: int(to) % len(ids), cell: keyCell,
			left: left % 1_000_000, revoked: revoked, tampered: flip > 0}
		var key string
		switch m.kind {
		case 1:
			if _, err := address.ParseName(keyCell); err != nil {
				return
			}
			key = issuers[m.by].Key(serial, keyCell, ids[m.to],
				noon.Add(time.Duration(m.left)*time.Second))
		case 2:
			key = invite.Proof(secret, "0123abcd", issuers[m.by].ID, ids[m.to])
		case 3:
			key = invite.Proof(nil, "00000000", issuers[m.by].ID, ids[m.to])
		}
		if flip > 0 && key != "" {
			bits := []byte(key)
			bits[int(flip)/8%len(bits)] ^= 1 << (flip % 8)
			key = string(bits)
		}
		rules := rulesOf(map[address.ID]string{ids[1]: granted, ids[2]: ""}, public)
		rules.Self = issuers[1].ID
		rules.Invites = map[string][]byte{"0123abcd": secret}
		rules.Revoked = map[string]bool{serial: revoked}
		var grants []string
		if n == 1 {
			grants = rules.Grants[ids[1]].Words()
		}
		want := slowGateWith(grants, strings.Fields(public), n, text, m)
		if got := Allow(rules, Caller{ids[n]}, cell, key, noon); got != want {
			t.Errorf("caller %d, cell %s, granted %q, public %q, presents %+v: %v, want %v", n,
				cell, grants, public, m, got, want)
		}
	})
}
