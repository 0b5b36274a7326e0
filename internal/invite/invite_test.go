package invite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

var petnameNone address.Petname

// The state depends on the invite, the time and the joiner.
func TestState(t *testing.T) {
	joiner, other := addresstest.ID(1), addresstest.ID(2)
	before, after := tomorrow.Add(-time.Second), tomorrow
	for _, test := range []struct {
		what    string
		uses    int
		joined  []address.ID
		revoked bool
		now     time.Time
		want    State
	}{
		{"a new one", 1, nil, false, before, Open},
		{"one with a use left", 2, []address.ID{other}, false, before, Open},
		{"one that another has spent", 1, []address.ID{other}, false, before, Spent},
		{"one that the joiner has spent: its answer was lost", 1, []address.ID{joiner}, false,
			before, Open},
		{"one that the joiner and another have spent", 2, []address.ID{other, joiner}, false,
			before, Open},
		{"one that too many have spent", 1, []address.ID{other, addresstest.ID(3)}, false, before,
			Spent},
		{"one for nobody", 0, nil, false, before, Spent},
		{"one at its last second", 1, nil, false, after, Expired},
		{"one that is spent and expired", 1, []address.ID{other}, false, after, Expired},
		{"one that the joiner has spent, too late", 1, []address.ID{joiner}, false, after, Expired},
		{"a revoked one", 1, nil, true, before, Revoked},
		{"one that the joiner has spent, and that was revoked", 1, []address.ID{joiner}, true,
			before, Revoked},
		{"one that is revoked and expired", 1, nil, true, after, Revoked},
	} {
		i := Invite{Expires: tomorrow, Uses: test.uses, Joined: test.joined, Revoked: test.revoked}
		if got := i.State(joiner, test.now); got != test.want {
			t.Errorf("%s is %s, want %s", test.what, got, test.want)
		}
	}
}

// Every invite has its own secret and ID.
func TestNew(t *testing.T) {
	a, b := New(grant("retina"), 2, tomorrow.Add(time.Millisecond), petnameNone), New(grant(), 1,
		tomorrow, petnameNone)
	if a.ID == b.ID || string(a.Secret) == string(b.Secret) || !validID(a.ID) ||
		len(a.Secret) != secretSize {
		t.Errorf("%+v, %+v", a, b)
	}
	if !a.Expires.Equal(tomorrow) || a.Uses != 2 ||
		!a.Cells.Allows(addresstest.Must("retina", address.ParseName)) {
		t.Errorf("%+v", a)
	}
}

// An invite reads as it was written. Only the user can read the file, since it holds a secret.
func TestWriteThenRead(t *testing.T) {
	h := hometest.New(t)
	full := New(grant("*", "stem.list"), 3, tomorrow, addresstest.Petname("laptop"))
	full.Joined, full.Revoked = []address.ID{addresstest.ID(1), addresstest.ID(2)}, true
	for _, want := range []Invite{New(grant(), 1, tomorrow, petnameNone),
		New(grant("retina", "echo"), 1, tomorrow, petnameNone), full} {
		if err := Write(h, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(h, want.ID)
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) ||
			!got.Expires.Equal(want.Expires) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		if info, err := os.Stat(h.Invite(want.ID)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	all, problems := ReadAll(h, tomorrow)
	if len(all) != 3 || len(problems) != 0 {
		t.Errorf("%+v, %v", all, problems)
	}
}

// A foreign ID never leads out of the folder.
func TestReadOfNoInvite(t *testing.T) {
	h := hometest.New(t)
	i := New(grant(), 1, tomorrow, petnameNone)
	if err := Write(h, i); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "00000000", "../x", "../peers", strings.ToUpper("abcdef01"),
		i.ID + "00", i.ID[1:], i.ID + ".toml"} {
		if got, err := Read(h, id); !errors.Is(err, fs.ErrNotExist) ||
			!reflect.DeepEqual(got, Invite{}) {
			t.Errorf("Read(%q) = %+v, %v", id, got, err)
		}
		if err := Edit(t.Context(), h, id, func(*Invite) error {
			t.Errorf("%q is edited",
				id)
			return nil
		}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Edit(%q): %v", id, err)
		}
	}
}

// Joiners may come at once while a command revokes. Each edit sees the ones before it.
func TestFiftyEditsAtOnce(t *testing.T) {
	h := hometest.New(t)
	i := New(grant(), 50, tomorrow, petnameNone)
	if err := Write(h, i); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 50 {
		group.Go(func() {
			err := Edit(t.Context(), h, i.ID, func(i *Invite) error {
				i.Joined = append(i.Joined, addresstest.ID(n))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := Read(h, i.ID)
	if err != nil {
		t.Fatal(err)
	}
	joined := map[address.ID]bool{}
	for _, id := range got.Joined {
		joined[id] = true
	}
	if len(got.Joined) != 50 || len(joined) != 50 {
		t.Errorf("%d have joined, %d of them different", len(got.Joined), len(joined))
	}
}

// If change fails, the file stays as it was.
func TestEditThatFails(t *testing.T) {
	h := hometest.New(t)
	i := New(grant(), 1, tomorrow, petnameNone)
	if err := Write(h, i); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	revoke := func(i *Invite) error { i.Revoked = true; return no }
	if err := Edit(t.Context(), h, i.ID, revoke); err != no {
		t.Errorf("got %v", err)
	}
	if got, err := Read(h, i.ID); err != nil || got.Revoked {
		t.Errorf("%+v, %v", got, err)
	}
}

// A joiner that is a little late is told so. After a week the invite is removed.
func TestExpiredAreForgotten(t *testing.T) {
	h := hometest.New(t)
	i := New(grant(), 1, tomorrow, petnameNone)
	if err := Write(h, i); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		now  time.Time
		want int
	}{{tomorrow.Add(-time.Hour), 1}, {tomorrow.Add(keepExpired),
		1}, {tomorrow.Add(keepExpired + time.Second), 0}, {tomorrow, 0}} {
		if all, problems := ReadAll(h, test.now); len(all) != test.want || len(problems) != 0 {
			t.Errorf("at %v: %+v, %v", test.now, all, problems)
		}
	}
	if _, err := os.Stat(h.Invite(i.ID)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file: %v", err)
	}
}

// The error of a bad file names the place. The file grants nothing, and other invites stay valid.
func TestBadFiles(t *testing.T) {
	good := New(grant("retina"), 1, tomorrow, petnameNone)
	whole := "secret = '00112233445566778899aabbccddeeff'\ncells = ['retina']\nexpires = " +
		"2026-11-23T03:06:57Z\nuses = 1\njoined = []\nrevoked = false\n"
	for _, test := range []struct{ file, text, reason string }{
		{"0000000a.toml", "", "0000000a.toml: secret is damaged"},
		{"0000000a.toml", strings.Replace(whole, "001122", "", 1),
			"0000000a.toml:1: secret is damaged: remove the file and make another invite"},
		{"0000000a.toml", strings.Replace(whole, "001122", "xxxxxx", 1),
			"0000000a.toml:1: secret is damaged"},
		{"0000000a.toml", strings.Replace(whole, "retina", "Retina", 1),
			"0000000a.toml:2: cell name \"Retina\""},
		{"0000000a.toml", whole + "as = 'my laptop'\n", "0000000a.toml:7: petname"},
		{"0000000a.toml", whole + "use = 1\n", "0000000a.toml:7: unknown key \"use\""},
		{"0000000a.toml", strings.Replace(whole, "uses = 1", "uses = 'one'", 1),
			"0000000a.toml:4: "},
		{"0000000a.toml", strings.Replace(whole, "[]", "['laptop']", 1), "0000000a.toml:5: "},
		{"0000000a.toml", strings.Replace(whole, "2026-11-23T03:06:57Z", "'tomorrow'", 1),
			"0000000a.toml:3: "},
		{"0000000a.toml", "[[", "0000000a.toml:1: "},
		{"mine.toml", whole, "mine"},
		{"0000000A.toml", whole, "0000000A"},
	} {
		h := hometest.New(t)
		if err := Write(h, good); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(h.InvitesDir(), test.file), []byte(test.text),
			0o600); err != nil {
			t.Fatal(err)
		}
		all, problems := ReadAll(h, tomorrow)
		if len(all) != 1 || all[0].ID != good.ID {
			t.Errorf("%s with %q: the invites are %+v", test.file, test.text, all)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.reason) ||
			strings.Contains(problems[0].Error(), "445566") {
			t.Errorf("%s with %q: %v, want %q, and no secret", test.file, test.text, problems,
				test.reason)
		}
	}
}
