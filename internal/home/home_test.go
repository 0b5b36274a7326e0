package home

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
)

// A home that is accepted has room for a socket of any short name; one byte more and bind(2) would fail much later.
func TestAtRefusesALongHome(t *testing.T) {
	longest := MaxSocketPath - len("/run/") - shortName - len(".sock")
	dir := "/" + strings.Repeat("h", longest-1)
	h, err := At(dir)
	if err != nil {
		t.Fatalf("the longest home there is: %v", err)
	}
	path, err := h.Socket(name(t, strings.Repeat("n", shortName)))
	if err != nil || len(path) != MaxSocketPath {
		t.Errorf("%s has %d bytes: %v", path, len(path), err)
	}
	if n := len(h.StemSocket()); n > MaxSocketPath {
		t.Errorf("%s has %d bytes", h.StemSocket(), n)
	}
	_, err = At(dir + "h")
	wantWords(t, err, dir+"h", "too long by 1 bytes", strconv.Itoa(MaxSocketPath), "set CELL_HOME to a shorter one")
}

// A longer name is refused when it is used, and says by how much.
func TestSocketRefusesALongName(t *testing.T) {
	dir := "/" + strings.Repeat("h", MaxSocketPath-len("/run/")-len(".sock")-20-1)
	h, err := At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if path, err := h.Socket(name(t, strings.Repeat("n", 20))); err != nil || len(path) != MaxSocketPath {
		t.Errorf("%s has %d bytes: %v", path, len(path), err)
	}
	_, err = h.Socket(name(t, strings.Repeat("n", 21)))
	wantWords(t, err, strconv.Itoa(MaxSocketPath+1)+" bytes", "the limit is "+strconv.Itoa(MaxSocketPath), "shorter name or a shorter CELL_HOME")
}

// What the README says where to find, a cell in another language relies on.
func TestPaths(t *testing.T) {
	h, err := At("/h/")
	if err != nil {
		t.Fatal(err)
	}
	cell := name(t, "retina")
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
	t.Setenv("CELL_HOME", "here") // a cell is started in another folder and has to find the same home
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

// Everything is for this user alone, whatever the umask, and making it a second time is fine.
func TestMake(t *testing.T) {
	h := at(t, "deep/in/the/woods")
	for range 2 {
		if err := h.Make(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{h.String(), h.RunDir(), h.DNADir(), h.PeersDir(), h.LogDir(), h.CacheDir()} {
		if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

// In a folder that others can write to, anybody could be anybody's cell. The message is the remedy.
func TestMakeRefusesAnOpenHome(t *testing.T) {
	for _, mode := range []fs.FileMode{0o755, 0o750, 0o702, 0o701} {
		for _, open := range []string{"", "run", "peers", "dna"} {
			h := at(t, "h")
			if err := h.Make(); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(h.String(), open)
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
			err := h.Make()
			wantWords(t, err, "open to other users", `run "chmod 700 `+dir+`"`)
			if err := os.Chmod(dir, 0o700); err != nil { // the remedy
				t.Fatal(err)
			}
			if err := h.Make(); err != nil {
				t.Errorf("after the remedy: %v", err)
			}
		}
	}
}

func TestMakeRefusesAFile(t *testing.T) {
	h := at(t, "h")
	if err := os.Mkdir(h.String(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.RunDir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantWords(t, h.Make(), h.RunDir()+" is not a directory", "move it away, or set CELL_HOME")
}

// A home of another user's is not ours to use, even if its mode lets us (root is let in everywhere).
func TestMakeRefusesAStrangersHome(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	h := at(t, "h")
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(h.String(), 12345, -1); err != nil {
		t.Fatal(err)
	}
	wantWords(t, h.Make(), "belongs to user 12345, not to you", "set CELL_HOME")
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

func name(t *testing.T, text string) address.Name {
	t.Helper()
	n, err := address.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
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
