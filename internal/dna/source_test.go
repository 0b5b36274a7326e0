package dna

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

// The settings in cell.toml become NAME.toml and read back the same.
func TestSourceBecomesSettings(t *testing.T) {
	h, retina := hometest.New(t), addresstest.Name("retina")
	s := source(t, `# mine
build = "cp main.sh $CELL_OUT"
inputs = ["../lib"]
mode = "stdio"
args = ["--fast", "a b"]
env = { LANG = "C", A = "1" }
dir = "/srv/retina/"
idle = "5m"
public = true
start_timeout = "30s"
`)
	if s.Build != "cp main.sh $CELL_OUT" || !reflect.DeepEqual(s.Inputs, []string{"../lib"}) ||
		s.Forwards() {
		t.Errorf("got %+v", s)
	}
	install(t, s, h, retina)
	got, err := Read(h, retina)
	want := Settings{Mode: Stdio, Args: []string{"--fast", "a b"}, Env: []string{"A=1", "LANG=C"},
		Dir:  "/srv/retina",
		Idle: 5 * time.Minute, Public: true, StartTimeout: 30 * time.Second}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}

	// Without settings the file is removed.
	install(t, source(t, `build = "make"`), h, retina)
	if exists(Path(h, retina)) {
		t.Error("the file is still there")
	}
}

func TestSourceForwards(t *testing.T) {
	h, db := hometest.New(t), addresstest.Name("db")
	s := source(t, `forward = "127.0.0.1:5432"`)
	install(t, s, h, db)
	if !s.Forwards() {
		t.Error("there is something to build")
	}
	got, err := Read(h, db)
	if err != nil || got.Target.String() != "127.0.0.1:5432" {
		t.Errorf("got %+v, %v", got, err)
	}
	put(t, h, "pg", "#!/bin/sh\n")
	if _, err := s.Differs(h, addresstest.Name("pg")); err == nil ||
		!strings.Contains(err.Error(), "cell.toml:1: calls cannot be forwarded while there is a program at") {
		t.Errorf("a program is there: %v", err)
	}
}

// A file that a person wrote is not replaced, and stays if there is nothing to install.
func TestSourceKeepsOwnSettings(t *testing.T) {
	h, retina := hometest.New(t), addresstest.Name("retina")
	const own = "public = true\n"
	put(t, h, "retina.toml", own)
	s := source(t, `mode = "stdio"`)
	err := s.Install(h, retina)
	if err == nil || !strings.Contains(err.Error(), `retina.toml was not written by "cell build"`) ||
		!strings.Contains(err.Error(), "and remove the file") {
		t.Errorf("install: %v", err)
	}
	if err := source(t, "").Install(h, retina); err != nil {
		t.Errorf("nothing to install: %v", err)
	}
	if text, _ := os.ReadFile(Path(h, retina)); string(text) != own {
		t.Errorf("the file is now %q", text)
	}
}

func TestReadSourceRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		"build = \"make\"\nbiuld = \"make\"":        `cell.toml:2: unknown key "biuld": remove it, or correct its name`,
		"build = \" \"":                             `cell.toml:1: " " is not a command`,
		"build = 3":                                 "cell.toml:1: ",
		"mode = \"stdio\"\ninputs = [\"a\"]":        "cell.toml:2: inputs needs a command: add build",
		"forward = \"a:1\"\nbuild = \"make\"":       "cell.toml:2: build makes a program, but calls are forwarded",
		"build = \"make\"\nmode = \"tty\"":          "cell.toml:2: ",
		"build = \"make\"\nenv = { CELL_X = \"\" }": "cell.toml:2: CELL_X is set by the stem",
	} {
		path := filepath.Join(t.TempDir(), "cell.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSource(path); err == nil || !strings.Contains(err.Error(), reason) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v\nwant %q in one line", text, err, reason)
		}
	}
	h := hometest.New(t)
	_, err := source(t, "build = \"make\"\nidle = \"5m\"").Differs(h, addresstest.Name("retina"))
	if err == nil || !strings.Contains(err.Error(),
		"cell.toml:2: the calls of a program that binds its own socket") {
		t.Errorf("a contradiction: %v", err)
	}
}

func TestReadSourceMissing(t *testing.T) {
	s, err := ReadSource(filepath.Join(t.TempDir(), "cell.toml"))
	if err != nil || s.Build != "" {
		t.Errorf("got %+v, %v", s, err)
	}
}

// install installs settings that the home does not have.
func install(t *testing.T, s Source, h home.Home, cell address.Name) {
	t.Helper()
	if differs, err := s.Differs(h, cell); !differs || err != nil {
		t.Fatalf("before: differs %v, %v", differs, err)
	}
	if err := s.Install(h, cell); err != nil {
		t.Fatal(err)
	}
	if differs, err := s.Differs(h, cell); differs || err != nil {
		t.Errorf("afterwards: differs %v, %v", differs, err)
	}
}

func source(t *testing.T, text string) Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cell.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSource(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// For any cell.toml, the error names the file, or what is installed reads back.
func FuzzReadSource(f *testing.F) {
	for _, text := range []string{"", "build = \"make\"\ninputs = [\"../lib\"]\nmode = \"stdio\"",
		"forward = \"127.0.0.1:80\"", "build = 3", "env = { A = \"b\" }\nidle = \"5m\"", "dir = '/x'",
		"args = [\"\"]\nstart_timeout = \"1s\"", "'' = 1", "[env]\n\"a b\" = \"\""} {
		f.Add(text)
	}
	h, cell := hometest.New(f), addresstest.Name("retina")
	path := filepath.Join(h.String(), "cell.toml")
	f.Fuzz(func(t *testing.T, text string) {
		hometest.Write(t, path, text)
		if err := os.Remove(Path(h, cell)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		s, err := ReadSource(path)
		if err == nil {
			err = s.Install(h, cell)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), path+":") {
				t.Errorf("%q: the error does not name the file: %v", text, err)
			}
			return
		}
		if _, err := Read(h, cell); err != nil {
			t.Errorf("%q installs settings that do not read back: %v", text, err)
		}
		if differs, err := s.Differs(h, cell); differs || err != nil {
			t.Errorf("%q differs after it was installed: %v", text, err)
		}
	})
}
