package peers

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

const (
	idA = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	idB = "12D3KooWHWixTFPxeJntamjHHZ5t4exgTTzjSdUHZQiRbv1PPwAR"
	// idBase32 is idB in its CID form.
	idBase32 = "bafzaajaiaejca4syrpdu6gdx4wsdnokxkprgzxf4wrstuc34gxw5k5jrag2so5gk"
)

// A grant that matches too much would let a stranger reach reserved cells.
func TestGrantAllows(t *testing.T) {
	for _, test := range []struct {
		grant       string
		cell        string
		wantAllowed bool
	}{
		{"", "retina", false},
		{"retina", "retina", true},
		{"retina", "retina2", false},
		{"retina", "retin", false},
		{"retina echo", "echo", true},
		{"*", "retina", true},
		{"*", "stem", true},
		{"*", "stem.list", false},
		{"*", "stem.join", false},
		{"* stem.list", "stem.list", true},
		{"* stem.list", "stem.join", false},
		{"stem.list", "retina", false},
	} {
		grant := mustGrant(strings.Fields(test.grant)...)
		if got := grant.Allows(addresstest.Name(test.cell)); got != test.wantAllowed {
			t.Errorf("%q allows %s: %v", test.grant, test.cell, got)
		}
	}
}

// A grant prints as it was read, each word once.
func TestGrantWords(t *testing.T) {
	for text, want := range map[string]string{"": "", "*": "*", "b a b": "b a", "a * a *": "* a",
		"stem.list": "stem.list"} {
		grant := mustGrant(strings.Fields(text)...)
		if got := strings.Join(grant.Words(), " "); got != want {
			t.Errorf("%q prints as %q, want %q", text, got, want)
		}
		if again := mustGrant(grant.Words()...); !reflect.DeepEqual(again, grant) {
			t.Errorf("%q reads back as %+v", grant.Words(), again)
		}
	}
	for _, bad := range []string{"", "Retina", "ret*", "**", "a/b"} {
		if grant, err := ParseGrant([]string{"echo", bad}); err == nil ||
			!reflect.DeepEqual(grant, Grant{}) {
			t.Errorf("%q: %+v, %v", bad, grant, err)
		}
	}
}

// A second invite adds to the grant and removes nothing.
func TestGrantAdd(t *testing.T) {
	for _, test := range []struct{ has, more, want string }{
		{"", "", ""},
		{"", "a", "a"},
		{"a b", "b c", "a b c"},
		{"a", "*", "* a"},
		{"*", "a", "* a"},
		{"*", "", "*"},
	} {
		grant := mustGrant(strings.Fields(test.has)...)
		grant.Add(mustGrant(strings.Fields(test.more)...))
		if got := strings.Join(grant.Words(), " "); got != test.want {
			t.Errorf("%q and %q are %q, want %q", test.has, test.more, got, test.want)
		}
	}
}

func TestWriteThenRead(t *testing.T) {
	h := hometest.New(t)
	for _, cells := range [][]string{nil, {"*"}, {"retina", "echo"}, {"*", "stem.list"}} {
		want := Peer{Petname: addresstest.Petname("laptop"),
			ID: addresstest.Must(idA, address.ParseID), Cells: mustGrant(cells...),
			At: mustPlaces(t, "/ip4/192.168.1.5/tcp/4433")}
		if err := Write(h, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(h.Peer(want.Petname))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	text, err := os.ReadFile(filepath.Join(h.PeersDir(), "laptop.toml"))
	if err != nil || !strings.Contains(string(text), "\nid = '"+idA+"'\n") ||
		!strings.Contains(string(text), "\ncells = ['*', 'stem.list']\n") {
		t.Errorf("the file is not readable for a person: %v\n%s", err, text)
	}
	for range 2 { // the second time, there is none
		if err := Remove(h, addresstest.Petname("laptop")); err != nil {
			t.Error(err)
		}
	}
	if _, err := Read(h.Peer(addresstest.Petname("laptop"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
}

func TestReadByHand(t *testing.T) {
	h := hometest.New(t)
	put(t, h, "desk.toml", "# the one under the desk\nid=\""+idBase32+"\" # as ipfs shows "+
		"it\ncells = [\n  \"retina\",\n  # \"echo\",\n]\n")
	got, err := Read(filepath.Join(h.PeersDir(), "desk.toml"))
	want := Peer{Petname: addresstest.Petname("desk"), ID: addresstest.Must(idB, address.ParseID),
		Cells: mustGrant("retina")}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// The error of a bad file names the file, the line and the remedy. The other peers stay in force.
func TestReadAllSkipsBadFiles(t *testing.T) {
	good := "id = \"" + idA + "\"\ncells = [\"echo\"]\n"
	for _, test := range []struct{ file, text, reason string }{
		{"b.toml", "id = \"" + idB + "\"\ncell = [\"*\"]\n",
			`b.toml:2: unknown key "cell": remove it, or correct its name`},
		{"b.toml", "\nid = \"" + idB[:40] + "\"\n", "b.toml:2: "},
		{"b.toml", "\nid = \"" + idB[:40] + "\"\n", "is damaged: copy it again, whole"},
		{"b.toml", "id = \"\"\n", "b.toml:1: "},
		{"b.toml", "id = 7\n", "b.toml"},
		{"b.toml", "id = \"laptop\"\n", "b.toml:1: "},
		{"b.toml", "id = \"" + idB + "\"\ncells = [\n \"echo\",\n \"Retina\",\n]\n", `b.toml:4: `},
		{"b.toml", "id = \"" + idB + "\"\ncells = [\"Retina\"]\n",
			`cell name "Retina" does not begin with`},
		{"b.toml", "id = \"" + idB + "\"\ncells = \"*\"\n", "b.toml:2: "},
		{"b.toml", "id = \"" + idB + "\"\n[[\n", "b.toml:2: "},
		{"b.toml", "cells = [\"*\"]\n", `b.toml: no id: add the line id = "12D3KooW…"`},
		{"b.toml", "id = \"" + idA + "\"\ncells = [\"*\"]\n",
			"b.toml: the ID is also in a.toml: remove one of the two files"},
		{"B.toml", "id = \"" + idB + "\"\n", "B.toml: petnames are lower case: rename the file " +
			"to b.toml"},
		{"local.toml", "id = \"" + idB + "\"\n",
			"local.toml: petname \"local\" means this machine: rename the file"},
		{"my peer.toml", "id = \"" + idB + "\"\n", "rename the file"},
		{idB + ".toml", "id = \"" + idB + "\"\n", "looks like a peer ID: rename the file"},
	} {
		h := hometest.New(t)
		put(t, h, "a.toml", good)
		put(t, h, test.file, test.text)
		put(t, h, "z.toml", strings.Replace(good, idA,
			"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", 1))
		put(t, h, "README", "not a peer")
		all, problems := ReadAll(h)
		var names []string
		for _, peer := range all {
			names = append(names, peer.Petname.String())
		}
		if !slices.Equal(names, []string{"a", "z"}) {
			t.Errorf("%s with %q: the peers are %q", test.file, test.text, names)
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.reason) ||
			strings.Contains(problems[0].Error(), "\n") {
			t.Errorf("%s with %q: %v\nwant %q in one line", test.file, test.text, problems,
				test.reason)
		}
	}
}

// Without peers, and without the folder, there are no grants and no problems.
func TestReadAllOfNothing(t *testing.T) {
	h := hometest.New(t)
	for range 2 {
		if all, problems := ReadAll(h); len(all) != 0 || len(problems) != 0 {
			t.Errorf("got %v, %v", all, problems)
		}
		os.RemoveAll(h.String())
	}
}

func mustPlaces(t *testing.T, texts ...string) (places []address.Place) {
	t.Helper()
	for _, text := range texts {
		peer, err := address.ParsePeer(text)
		place, ok := peer.Place()
		if err != nil || !ok {
			t.Fatalf("%q is not a place: %v", text, err)
		}
		places = append(places, place)
	}
	return places
}
