package home

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
)

// A home that is accepted has room for a socket of any short name; one byte more and
// bind(2) would fail much later.
func TestAtRefusesALongHome(t *testing.T) {
	longest := MaxSocketPath - len("/run/") - shortName - len(".sock")
	dir := "/" + strings.Repeat("h", longest-1)
	h, err := At(dir)
	if err != nil {
		t.Fatalf("the longest home there is: %v", err)
	}
	path, err := h.Socket(addresstest.Name(strings.Repeat("n", shortName)))
	if err != nil || len(path) != MaxSocketPath {
		t.Errorf("%s has %d bytes: %v", path, len(path), err)
	}
	if n := len(h.StemSocket()); n > MaxSocketPath {
		t.Errorf("%s has %d bytes", h.StemSocket(), n)
	}
	_, err = At(dir + "h")
	wantWords(t, err, dir+"h", "too long by 1 bytes", strconv.Itoa(MaxSocketPath),
		"set CELL_HOME to a shorter one")
}

// A longer name is refused when it is used, and says by how much.
func TestSocketRefusesALongName(t *testing.T) {
	dir := "/" + strings.Repeat("h", MaxSocketPath-len("/run/")-len(".sock")-20-1)
	h, err := At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if path, err := h.Socket(addresstest.Name(strings.Repeat("n", 20))); err != nil ||
		len(path) != MaxSocketPath {
		t.Errorf("%s has %d bytes: %v", path, len(path), err)
	}
	_, err = h.Socket(addresstest.Name(strings.Repeat("n", 21)))
	wantWords(t, err, strconv.Itoa(MaxSocketPath+1)+" bytes",
		"the limit is "+strconv.Itoa(MaxSocketPath), "shorter name or a shorter CELL_HOME")
}

// What the README says where to find, a cell in another language relies on.
func TestPaths(t *testing.T) {
	h, err := At("/h/")
	if err != nil {
		t.Fatal(err)
	}
	cell := addresstest.Name("retina")
	petname, err := address.ParsePetname("laptop")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := h.Socket(cell)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		h.String():      "/h",
		h.IdentityKey(): "/h/identity.key",
		h.StemConfig():  "/h/stem.toml",
		h.StemSocket():  "/h/stem.sock",
		h.StemLock():    "/h/stem.lock",
		socket:          "/h/run/retina.sock",
		h.Lock(cell):    "/h/run/retina.lock",
		h.DNA(cell):     "/h/dna/retina",
		h.Peer(petname): "/h/peers/laptop.toml",
		h.Log(cell):     "/h/log/retina.log",
		h.CacheDir():    "/h/cache",
		h.Invite("x"):   "/h/invites/x.toml",
		h.Places():      "/h/places.toml",
		h.Revoked():     "/h/revoked.toml",
		h.Calls():       "/h/log/calls.jsonl",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("HOME", "/users/me")
	t.Setenv("CELL_HOME", "")
	if h, err := Default(); err != nil || h.String() != "/users/me/.cell" {
		t.Errorf("without CELL_HOME: %s, %v", h, err)
	}
	t.Setenv("CELL_HOME", "/elsewhere")
	if h, err := Default(); err != nil || h.String() != "/elsewhere" {
		t.Errorf("with CELL_HOME: %s, %v", h, err)
	}
	t.Chdir("/tmp")
	// a cell is started in another folder and has to find the same home
	t.Setenv("CELL_HOME", "here")
	if h, err := Default(); err != nil || h.String() != "/tmp/here" {
		t.Errorf("with a relative CELL_HOME: %s, %v", h, err)
	}
	t.Setenv("CELL_HOME", "/"+strings.Repeat("h", MaxSocketPath))
	_, err := Default()
	wantWords(t, err, "is too long by")
	t.Setenv("CELL_HOME", "")
	t.Setenv("HOME", "")
	_, err = Default()
	wantWords(t, err, "no home directory", "set CELL_HOME")
}

// at returns a home in a folder of the test's own, with a path that is short enough.
func at(t *testing.T, below string) Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := At(filepath.Join(dir, below))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func wantWords(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", words)
		return
	}
	for _, want := range words {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q in it", err, want)
		}
	}
}
