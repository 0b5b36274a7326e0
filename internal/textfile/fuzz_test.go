package textfile

import (
	"strings"
	"testing"
	"unicode"
)

// FuzzDecode checks that an error about a file is one line that begins with the file's name,
// and that it holds no control characters, since it is printed on a terminal.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"", "name = 'a'", "port = 'x'", "word = 5", "loud = 1.5",
		"at = ['1.2.3.4', 7]", "deep = {small = 70000}", "env = {a = 1}", "all = [{port = true}]",
		"[[all]]\nname = 1", "nme = 1", "words = ['bad', \"\\u001b[31m\"]", "name = a", "x", "[",
		"\"a\\nb\" = 1", "port = 1979-05-27", "[deep]\nword = 1\n", "cells = 'x'", "deep = 1",
		"\"\\u001b[2J\" = 1", "at = [\"\\u001b[2J\"]", "name = '\x1b'"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var value settings
		err := Decode("file.toml", text, &value)
		if err == nil {
			return
		}
		if !strings.HasPrefix(err.Error(), "file.toml:") ||
			strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("%q: %q", text, err)
		}
	})
}
