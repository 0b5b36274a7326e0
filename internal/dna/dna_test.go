package dna

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]Settings{
		"none":                            {false, DefaultStartTimeout},
		"":                                {false, DefaultStartTimeout},
		"public = true\n":                 {true, DefaultStartTimeout},
		"start_timeout = \"90s\"\n":       {false, MaxStartTimeout},
		"# mine\nstart_timeout = '1ms'\n": {false, time.Millisecond},
		"start_timeout = \"1m5s\" # slow\r\npublic=true": {true, 65 * time.Second},
	} {
		h := madeHome(t)
		if text != "none" {
			put(t, h, "retina.toml", text)
		}
		if got, err := Read(h, name(t, "retina")); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// A bad file names itself, the line and the remedy; its cell is public to nobody.
func TestReadRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		"public = true\npubic = true\n":              `retina.toml:2: unknown key "pubic": remove it, or correct its name`,
		"public = \"yes\"\n":                         "retina.toml:1: ",
		"public = true\nstart_timeout = \"soon\"\n":  `retina.toml:2: `,
		"start_timeout = \"soon\"\n":                 `"soon" is not a duration from 1ms to 1m30s, as in "30s"`,
		"public = true\nstart_timeout = \"91s\"\n":   `"91s" is not a duration`,
		"public = true\nstart_timeout = \"0s\"\n":    `"0s" is not a duration`,
		"public = true\nstart_timeout = \"1ns\"\n":   `"1ns" is not a duration`,
		"public = true\nstart_timeout = \"-1s\"\n":   `"-1s" is not a duration`,
		"public = true\nstart_timeout = 30\n":        `"30" is not a duration`,
		"public = true\nstart_timeout = 1.5\n":       "is not a duration",
		"public = true\n= 3\n":                       "retina.toml:2: ",
		"public = true\n[limits]\nmemory = \"1G\"\n": `retina.toml:2: unknown key "limits"`,
	} {
		h := madeHome(t)
		put(t, h, "retina.toml", text)
		got, err := Read(h, name(t, "retina"))
		if err == nil || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "retina.toml") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v\nwant %q in one line", text, err, reason)
		}
		if got != (Settings{}) {
			t.Errorf("%q: settings along with an error: %+v", text, got)
		}
		if cells, problems := Public(h); len(cells) != 0 || len(problems) != 1 {
			t.Errorf("%q: public are %v, %v", text, cells, problems)
		}
	}
}

// The gate decides from this list: a bad file must not open a cell, nor close another.
func TestPublic(t *testing.T) {
	h := madeHome(t)
	put(t, h, "a.toml", "public = true\n")
	put(t, h, "b.toml", "public = false\n")
	put(t, h, "c.toml", "public = true\nrubbish\n")
	put(t, h, "d", "an executable")
	put(t, h, "e.toml", "")
	put(t, h, "Bad Name.toml", "public = true\n")
	put(t, h, "stem.join.toml", "public = true\n")
	put(t, h, "z.toml", "public = true\n")
	cells, problems := Public(h)
	if len(cells) != 2 || cells[0] != name(t, "a") || cells[1] != name(t, "z") {
		t.Errorf("public are %v", cells)
	}
	want := []string{"Bad Name.toml: ", "c.toml:2: ", "stem.join.toml: names that begin with \"stem.\" are the stem's own: rename the file"}
	if len(problems) != len(want) {
		t.Fatalf("problems are %v", problems)
	}
	for i, reason := range want {
		if !strings.Contains(problems[i].Error(), reason) {
			t.Errorf("%v\nwant %q in it", problems[i], reason)
		}
	}
}

func madeHome(t *testing.T) home.Home {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell") // short, as a home has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h, err := home.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Make(); err != nil {
		t.Fatal(err)
	}
	return h
}

func put(t *testing.T, h home.Home, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.DNADir(), file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func name(t *testing.T, text string) address.Name {
	t.Helper()
	n, err := address.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
