package dna

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

// with returns the defaults with some changes.
func with(change func(*Settings)) Settings {
	s := Settings{Mode: Self, StartTimeout: DefaultStartTimeout}
	change(&s)
	return s
}

func TestRead(t *testing.T) {
	for text, want := range map[string]Settings{
		"none":            with(func(*Settings) {}),
		"":                with(func(*Settings) {}),
		"mode = \"self\"": with(func(*Settings) {}),
		"public = true\n": with(func(s *Settings) { s.Public = true }),
		"start_timeout = \"90s\"\n": with(func(s *Settings) {
			s.StartTimeout = MaxStartTimeout
		}),
		"# mine\nstart_timeout = '1ms'\n": with(func(s *Settings) {
			s.StartTimeout = time.Millisecond
		}),
		"start_timeout = \"1m5s\" # slow\r\npublic=true": with(func(s *Settings) {
			s.Public, s.StartTimeout = true, 65*time.Second
		}),
		"mode = \"fd\"\ndir = \"/srv/../tmp\"": with(func(s *Settings) {
			s.Mode, s.Dir = FD, "/tmp"
		}),
		"mode = \"stdio\"\nidle = \"5m\"": with(func(s *Settings) {
			s.Mode, s.Idle = Stdio, 5*time.Minute
		}),
		"args = [\"-v\", \"two words\", \"\"]": with(func(s *Settings) { s.Args = []string{"-v", "two words", ""} }),
		"env = { B = \"2=3\", A = \"\" }":      with(func(s *Settings) { s.Env = []string{"A=", "B=2=3"} }),
		"[env]\nLANG = \"C\"":                  with(func(s *Settings) { s.Env = []string{"LANG=C"} }),
		"forward = \"127.0.0.1:5432\"": with(func(s *Settings) {
			s.Mode, s.Target = Forward, Target{"tcp", "127.0.0.1:5432"}
		}),
		"forward = \"unix:/run/x.sock\"\nidle = \"1h\"\npublic = true": with(func(s *Settings) {
			s.Mode, s.Target, s.Idle, s.Public = Forward, Target{"unix",
				"/run/x.sock"}, time.Hour, true
		}),
	} {
		h := hometest.New(t)
		if text != "none" {
			put(t, h, "retina.toml", text)
		}
		if got, err := Read(h, addresstest.Name("retina")); err != nil ||
			!reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// An error names the file, the line and the remedy. The cell of a bad file is not public.
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
		"public = true\nstart_timeout = 30\n":        "retina.toml:2: start_timeout must be a text in quotes, not a whole number",
		"public = true\nstart_timeout = 1.5\n":       "retina.toml:2: start_timeout must be a text in quotes",
		"public = true\n= 3\n":                       "retina.toml:2: ",
		"public = true\n[limits]\nmemory = \"1G\"\n": `retina.toml:2: unknown key "limits"`,

		"\nmode = \"tty\"":                                 `retina.toml:2: "tty" is not a mode: use "self", "fd" or "stdio"`,
		"mode = \"forward\"":                               `"forward" is not a mode`,
		"mode = 3":                                         "retina.toml:1: mode must be a text in quotes",
		"mode = \"stdio\"\nidle = \"soon\"":                `retina.toml:2: "soon" is not a duration from 1ms to 1000h, as in "30s"`,
		"mode = \"stdio\"\nidle = 5":                       "retina.toml:2: idle must be a text in quotes, not a whole number",
		"args = \"-v\"":                                    "retina.toml:1: ",
		"args = [1]":                                       "retina.toml:1: ",
		"args = [\"a\\u0000b\"]":                           `retina.toml:1: "a\x00b" contains a zero byte`,
		"env = [\"A=B\"]":                                  "retina.toml:1: ",
		"mode = \"fd\"\nenv = { \"A=B\" = \"c\" }":         `retina.toml:2: "A=B" is not a name for an environment variable`,
		"mode = \"fd\"\n[env]\nLISTEN_FDS = \"2\"":         `retina.toml:2: LISTEN_FDS is set by the stem`,
		"mode = \"fd\"\n\nenv.CELL_X = \"/\"":              `retina.toml:3: CELL_X is set by the stem`,
		"env = { A = \"\\u0000\" }":                        "contains a zero byte",
		"dir = \"data\"":                                   `retina.toml:1: "data" is not a full path, as in "/srv/data"`,
		"dir = \"\"":                                       `"" is not a full path`,
		"public = true\nforward = \"5432\"":                `retina.toml:2: "5432" is neither HOST:PORT, as in "127.0.0.1:5432", nor "unix:/PATH"`,
		"forward = 5432":                                   "retina.toml:1: forward must be a text in quotes",
		"forward = \":5432\"":                              "is neither",
		"forward = \"localhost:http\"":                     "is neither",
		"forward = \"localhost:0\"":                        `is not from 1 to 65535`,
		"forward = \"localhost:65536\"":                    `is not from 1 to 65535`,
		"forward = \"unix:x.sock\"":                        `is not the full path of a socket`,
		"forward = \"unix:/" + strings.Repeat("x", 200):    "retina.toml:1: ",
		"idle = \"5m\"":                                    "retina.toml:1: the calls of a program that binds its own socket cannot be counted: remove idle",
		"idle = \"5m\"\nmode = \"self\"":                   "retina.toml:1: the calls of a program that binds its own socket",
		"mode = \"fd\"\nidle = \"5m\"":                     "retina.toml:2: the calls of a program in mode fd cannot be counted: remove idle",
		"forward = \"a:1\"\nmode = \"stdio\"":              "retina.toml:2: mode needs a program, but calls are forwarded: remove mode",
		"forward = \"a:1\"\nargs = []":                     "retina.toml:2: args needs a program",
		"forward = \"a:1\"\n[env]\nA = \"b\"":              "retina.toml:2: env needs a program",
		"forward = \"a:1\"\ndir = \"/\"":                   "retina.toml:2: dir needs a program",
		"forward = \"a:1\"\nforward = \"b:1\"":             "retina.toml:2: ",
		"public = true\nforward = \"unix:OWN\"":            "retina.toml:2: this is the cell's own socket",
		"public = true\nforward = \"unix:HOME/stem.sock\"": "", // odd but allowed
	} {
		h := hometest.New(t)
		own, err := h.Socket(addresstest.Name("retina"))
		if err != nil {
			t.Fatal(err)
		}
		text = strings.NewReplacer("OWN", own, "HOME", h.String()).Replace(text)
		put(t, h, "retina.toml", text)
		got, err := Read(h, addresstest.Name("retina"))
		if reason == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), reason) ||
			!strings.Contains(err.Error(), "retina.toml") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v\nwant %q in one line", text, err, reason)
		}
		if !reflect.DeepEqual(got, Settings{}) {
			t.Errorf("%q: settings despite the error: %+v", text, got)
		}
		if cells, problems := Public(h); len(cells) != 0 || len(problems) != 1 {
			t.Errorf("%q: public cells %v, %v", text, cells, problems)
		}
	}
}

// A cell is either forwarded or a program.
func TestForwardAndProgram(t *testing.T) {
	h := hometest.New(t)
	put(t, h, "db.toml", "# mine\nforward = \"127.0.0.1:5432\"\n")
	put(t, h, "db", "a program")
	_, err := Read(h, addresstest.Name("db"))
	if want := "db.toml:2: calls cannot be forwarded while there is a program at " +
		h.DNA(addresstest.Name("db")) + ": remove one of the two"; err == nil ||
		!strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v\nwant %q", err, want)
	}
}

// For any file, the settings are consistent or the error names the file.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"", "mode = \"stdio\"\nidle = \"5m\"", "forward = \"[::1]:80\"",
		"forward = \"unix:/x\"\nargs = [\"a\"]",
		"[env]\nA = \"b\"", "env.A.B = 1", "env = {}", "args = [[]]", "public = true\n[idle]", "'' = 3", "dir = '/'", "mode = 1979-05-27"} {
		f.Add(text)
	}
	h, cell := hometest.New(f), addresstest.Name("retina")
	f.Fuzz(func(t *testing.T, text string) {
		put(t, h, "retina.toml", text)
		s, err := Read(h, cell)
		switch {
		case err != nil && !strings.HasPrefix(err.Error(), Path(h, cell)+":"):
			t.Errorf("%q: the error does not name the file: %v", text, err)
		case err != nil:
		case (s.Mode == Forward) == s.Target.IsZero():
			t.Errorf("%q: mode %s with target %v", text, s.Mode, s.Target)
		case s.Mode == Forward && (s.Args != nil || s.Env != nil || s.Dir != ""):
			t.Errorf("%q: both a program and a target: %+v", text, s)
		case s.Idle != 0 && (s.Mode == Self || s.Mode == FD), s.Idle < 0:
			t.Errorf("%q: mode %s with idle %v", text, s.Mode, s.Idle)
		case s.StartTimeout < time.Millisecond || s.StartTimeout > MaxStartTimeout:
			t.Errorf("%q: %v", text, s.StartTimeout)
		}
	})
}

// What parses prints back to the same meaning.
func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{"127.0.0.1:5432", "[::1]:080", "localhost:80", "unix:/run/x.sock",
		"unix:", ":1", "a:b:1", "host:+1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err != nil {
			return
		}
		if again, err := ParseTarget(target.String()); err != nil || again != target {
			t.Errorf("%q is %v, which is %v, %v", text, target, again, err)
		}
	})
}

// A bad file neither makes its cell public nor affects others.
func TestPublic(t *testing.T) {
	h := hometest.New(t)
	put(t, h, "a.toml", "public = true\n")
	put(t, h, "b.toml", "public = false\n")
	put(t, h, "c.toml", "public = true\nrubbish\n")
	put(t, h, "d", "an executable")
	put(t, h, "e.toml", "")
	put(t, h, "Bad Name.toml", "public = true\n")
	put(t, h, "stem.join.toml", "public = true\n")
	put(t, h, "z.toml", "public = true\n")
	cells, problems := Public(h)
	if len(cells) != 2 || cells[0] != addresstest.Name("a") || cells[1] != addresstest.Name("z") {
		t.Errorf("public cells: %v", cells)
	}
	want := []string{"Bad Name.toml: ", "c.toml:2: ",
		"stem.join.toml: names that begin with \"stem.\" are reserved: rename the file"}
	if len(problems) != len(want) {
		t.Fatalf("problems: %v", problems)
	}
	for i, reason := range want {
		if !strings.Contains(problems[i].Error(), reason) {
			t.Errorf("%v\nwant %q in it", problems[i], reason)
		}
	}
}

// Programs and files that forward are listed. So is a bad file, since the user meant a cell.
func TestList(t *testing.T) {
	h := hometest.New(t)
	for file, text := range map[string]string{
		"b": "an executable", "a": "another", "a.toml": "public = true", "settings.toml": "public = true",
		"db.toml": "forward = \"a:1\"", "bad.toml": "forward = 1", "Upper": "", "stem.x": "", ".new-1": "",
	} {
		put(t, h, file, text)
	}
	var got []string
	for _, cell := range List(h) {
		got = append(got, cell.String())
	}
	if strings.Join(got, " ") != "a b bad db" {
		t.Errorf("got %q", got)
	}
}

// Expose keeps the other settings, and refuses cells that are programs.
func TestExposeAndHide(t *testing.T) {
	h := hometest.New(t)
	db, first, second := addresstest.Name("db"), Target{"tcp", "127.0.0.1:1"}, Target{"unix",
		"/run/x.sock"}
	if err := Hide(h, db); !os.IsNotExist(err) {
		t.Errorf("hide before expose: %v", err)
	}
	if was, err := Expose(h, db, first); err != nil || !was.IsZero() {
		t.Fatal(err)
	}
	put(t, h, "db.toml", "forward = \"127.0.0.1:1\"\npublic = true\nidle = \"5m\"\nstart_timeout = \"20s\"")
	if was, err := Expose(h, db, second); err != nil || was != first {
		t.Fatal(err)
	}
	want := Settings{Mode: Forward, Target: second, Idle: 5 * time.Minute, Public: true,
		StartTimeout: 20 * time.Second}
	if got, err := Read(h, db); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if err := Hide(h, db); err != nil || exists(Path(h, db)) {
		t.Errorf("hide: %v", err)
	}

	put(t, h, "mine.toml", "public = true")
	put(t, h, "prog", "a program")
	for _, cell := range []string{"mine", "prog"} {
		if _, err := Expose(h, addresstest.Name(cell), first); err == nil ||
			!strings.Contains(err.Error(), ErrProgram.Error()) {
			t.Errorf("exposed %s: %v", cell, err)
		}
		if err := Hide(h, addresstest.Name(cell)); err == nil ||
			!strings.Contains(err.Error(), ErrProgram.Error()) {
			t.Errorf("hid %s: %v", cell, err)
		}
	}
	own, _ := h.Socket(db)
	if _, err := Expose(h, db, Target{"unix", own}); err == nil ||
		!strings.Contains(err.Error(), "own socket") {
		t.Errorf("a cell forwarded to itself: %v", err)
	}
	if exists(Path(h, db)) {
		t.Error("a refusal left a file")
	}
}

// Errors that show without running a program come with the remedy.
func TestRunnable(t *testing.T) {
	dir := t.TempDir()
	for label, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"script": {"#!/bin/sh\necho", 0o755, ""},
		"spaces": {"#! /bin/sh -e\n", 0o755, ""},
		"binary": {"\x7fELF\x00\x00", 0o755, ""},
		"plain":  {"#!/bin/sh\n", 0o644, "is not executable: run \"chmod +x "},
		"text": {"echo hello\n", 0o755,
			"is neither a program for this machine nor a script: a script begins with #! and its interpreter"},
		"empty": {"", 0o755, "is neither a program"},
		"none":  {"#!\n", 0o755, ":1: no interpreter"},
		"missing": {"#!/no/such/shell -x\n", 0o755,
			":1: its interpreter \"/no/such/shell\" is not installed on this machine"},
		"crlf":       {"#!/bin/sh\r\n", 0o755, `its interpreter "/bin/sh\r" is not`},
		"a folder":   {"#!/\n", 0o755, "its interpreter \"/\""},
		"unreadable": {"#!/bin/sh\n", 0o711, ""},
	} {
		path := filepath.Join(dir, label)
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		err := Runnable(path)
		if (err == nil) != (c.want == "") || err != nil &&
			!(strings.Contains(err.Error(), c.want) && strings.HasPrefix(err.Error(), path)) {
			t.Errorf("%s: %v, want %q", label, err, c.want)
		}
	}
	if err := Runnable(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: %v", err)
	}
	if err := Runnable(filepath.Join(dir, "nothing")); !os.IsNotExist(err) {
		t.Errorf("nothing: %v", err)
	}
}

// Each variable is passed once: a program that reads the first of two would see the stem's.
func TestEnviron(t *testing.T) {
	t.Setenv("LANG", "de")
	t.Setenv("LISTEN_FDS", "7")
	t.Setenv("CELL_STARTED", "1")
	s := Settings{Env: []string{"LANG=C", "EMPTY="}}
	var got []string
	for _, pair := range s.Environ("CELL_NAME=x", "CELL_STARTED") {
		for _, key := range []string{"LANG", "EMPTY", "CELL_", "LISTEN_"} {
			if strings.HasPrefix(pair, key) && !strings.HasPrefix(pair, "CELL_HOME") {
				got = append(got, pair)
			}
		}
	}
	if strings.Join(got, " ") != "LANG=C EMPTY= CELL_NAME=x" {
		t.Errorf("got %q", got)
	}
}

func put(t *testing.T, h home.Home, file, text string) {
	t.Helper()
	hometest.Write(t, filepath.Join(h.DNADir(), file), text)
}
