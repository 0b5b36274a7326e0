package home

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Everything is for this user alone, whatever the umask, and making it a second time is fine.
func TestMake(t *testing.T) {
	h := at(t, "deep/down")
	for range 2 {
		if err := h.Make(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{h.String(), h.RunDir(), h.DNADir(), h.PeersDir(), h.InvitesDir(),
		h.LogDir(), h.CacheDir()} {
		if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

// In a folder that others can write to, anybody could be anybody's cell. The message is the remedy.
func TestMakeRefusesAnOpenHome(t *testing.T) {
	for _, mode := range []fs.FileMode{0o755, 0o750, 0o702, 0o701, 0o770, 0o777} {
		for _, open := range []string{"", "run", "peers", "dna"} {
			if open != "" && mode&0o022 == 0 {
				continue // TestMakeAllowsReadableDirectories
			}
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

// A private home keeps others out, so the modes of what is in it may let them read.
func TestMakeAllowsReadableDirectories(t *testing.T) {
	h := at(t, "h")
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{h.RunDir(), h.DNADir(), h.PeersDir()} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Make(); err != nil {
		t.Error(err)
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

// A home of another user's is not ours to use, even if its mode lets us (root is let in
// everywhere).
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
