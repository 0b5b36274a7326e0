package textfile

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type settings struct {
	Name  string            `toml:"name"`
	Cells []string          `toml:"cells"`
	Loud  bool              `toml:"loud"`
	Word  word              `toml:"word"`
	Port  int               `toml:"port"`
	Env   map[string]string `toml:"env"`
	At    []netip.Addr      `toml:"at"`
	Words []word            `toml:"words"`
	All   []settings        `toml:"all"`
	Deep  *struct {
		Small uint16 `toml:"small"`
		Word  word   `toml:"word"`
	} `toml:"deep"`
}

// word is checked as it is read. It is a struct: the decoder does not ask a kind of string.
type word struct{ text string }

func (w word) MarshalText() ([]byte, error) { return []byte(w.text), nil }

func (w *word) UnmarshalText(text []byte) error {
	if w.text = string(text); w.text == "good" || w.text == "a" {
		return nil
	}
	return errors.New("that is not a good word")
}

func TestWriteThenRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.toml")
	want := settings{Name: `odd "name"` + "\n", Cells: []string{"a", "*"}, Loud: true,
		Word: word{"good"}}
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	var got settings
	if err := Read(path, &got); err != nil || got.Name != want.Name || len(got.Cells) != 2 ||
		!got.Loud || got.Word != want.Word {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// People write comments, blank lines and line ends of their own.
func TestReadByHand(t *testing.T) {
	path := file(t, "# mine\r\n\r\n  name='retina'   # theirs\r\ncells = [\n  \"a\",\n  \"b\", # and more\n]\n")
	var got settings
	if err := Read(path, &got); err != nil || got.Name != "retina" || len(got.Cells) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := Read(file(t, ""), &got); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// Whoever edits a file is told where to look and what is wrong there.
func TestReadNamesFileAndLine(t *testing.T) {
	for text, reason := range map[string]string{
		"name = \"a\"\n\nnmae = \"b\"\n":           `a.toml:3: unknown key "nmae": remove it, or correct its name`,
		"\nname = 7\n":                             "a.toml:2: name must be a text in quotes, not a whole number",
		"port = \"4433\"":                          "a.toml:1: port must be a whole number, not a text",
		"port = 1.5":                               "a.toml:1: port must be a whole number, not a number with a fraction",
		"port = true":                              "a.toml:1: port must be a whole number, not true or false",
		"port = 99999999999999999999":              "a.toml:1: ",
		"loud = \"yes\"":                           "a.toml:1: loud must be true or false, not a text",
		"cells = \"a\"":                            "a.toml:1: cells must be a list, as in [\"a\", \"b\"], not a text",
		"cells = [\"a\",\n 7]":                     "a.toml:2: cells must be a list, as in [\"a\", \"b\"]: a whole number does not fit in it",
		"words = [[]]":                             "a.toml:1: words must be a list",
		"\nword = 5":                               "a.toml:2: word must be a text in quotes, not a whole number",
		"word = 1.5":                               "a.toml:1: word must be a text in quotes, not a number with a fraction",
		"[deep]\nword = true":                      "a.toml:2: deep.word must be a text in quotes, not true or false",
		"deep = { small = 1, word = 5 }":           "a.toml:1: deep.word must be a text in quotes, not a whole number",
		"words = [\n\"a\",\n 7]":                   "a.toml:3: words must be a list, as in [\"a\", \"b\"]: a whole number does not fit in it",
		"at = [5]":                                 "a.toml:1: at must be a list, as in [\"a\", \"b\"]: a whole number does not fit in it",
		"[[all]]\nword = \"a\"\n[[all]]\nword = 5": "a.toml:4: all.word must be a text in quotes, not a whole number",
		"word = []":                                "a.toml:1: word must be a text in quotes, not a list",
		"env = [\"A\"]":                            "a.toml:1: env must be a table, as in { key = \"a\" }, not a list",
		"env = { A = 7 }":                          "a.toml:1: env must be a table, as in { key = \"a\" }: a whole number does not fit in it",
		"[name]\nx = 1":                            "a.toml:1: name must be a text in quotes, not a table",
		"[deep]\nsmall = \"\"":                     "a.toml:2: deep.small must be a whole number, not a text",
		"[deep]\nsmall = 70000":                    "a.toml:2: deep.small must be a whole number, and not so large or small",
		"name = retina":                            "a.toml:1: unexpected character U+0072 'r' at start of value: put text in quotes",
		"at = 127.0.0.1":                           "a.toml:1: there is more than one value: put text in quotes",
		"at = [\"nix\"]":                           `a.toml:1: "nix" is not an IP address`,
		"name = true-color":                        "a.toml:1: ",
		"name = nothing":                           ": put text in quotes",
		"name = \"a\n":                             "a.toml:1: ",
		"name = \"a\"\nname = \"b\"\n":             "a.toml",
		"loud = yes\n":                             "a.toml:1: ",
		"loud = tru\n":                             ": put text in quotes",
		"# one\n[\n":                               "a.toml:2: ",
		"name = \"a\"\nword = \"bad\"\n":           "a.toml:2: ",
		"\xff\xfe":                                 "a.toml:1: ",
	} {
		var got settings
		err := Read(file(t, text), &got)
		if err == nil || !strings.Contains(err.Error(), reason) ||
			strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "toml: ") {
			t.Errorf("%q: %v\nwant %q in one line", text, err, reason)
		}
	}
}

func TestReadFails(t *testing.T) {
	var got settings
	if err := Read(filepath.Join(t.TempDir(), "none.toml"), &got); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	huge := file(t, strings.Repeat("#", maxSize+1))
	if err := Read(huge, &got); err == nil ||
		!strings.Contains(err.Error(), "larger than 1048576 bytes") {
		t.Errorf("a huge file: %v", err)
	}
	if err := Read(t.TempDir(), &got); err == nil {
		t.Error("a folder: no error")
	}
}

// The stem re-reads a file as soon as it changes: it must find the old text or the new,
// never half of one, and nobody else may read it.
func TestReplaceIsAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.toml")
	texts := [][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	if err := Replace(path, texts[0]); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			got, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) {
				t.Errorf("a reader sees %d bytes, %v", len(got), err)
				return
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	for i := range 200 {
		if err := Replace(path, texts[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-done
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	only(t, filepath.Dir(path), "a.toml")
}

// What can't be put in place leaves nothing behind.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a.toml", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(dir, "a.toml"), nil); err == nil {
		t.Error("in the place of a folder: no error")
	}
	if err := Replace(filepath.Join(dir, "none", "a.toml"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is missing: %v", err)
	}
	if err := Write(filepath.Join(dir, "b.toml"), func() {}); err == nil {
		t.Error("a func as TOML: no error")
	}
	only(t, dir, "a.toml")
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func only(t *testing.T, dir, name string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 ||
		entries[0].Name() != name {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}
