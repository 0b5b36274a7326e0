package germinate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The log of a running cell is moved aside when it is too large, and the cell goes on printing.
func TestLogOfARunningCellIsBounded(t *testing.T) {
	f := newFactoryWith(t, "chatty")
	if _, err := talk(f, "chatty", user, ""); err != nil {
		t.Fatal(err)
	}
	log := f.home.Log(name("chatty"))
	eventually(t, "the log is moved aside", func() bool {
		now, err := os.Stat(log)
		_, err1 := os.Stat(log + ".1")
		return err == nil && err1 == nil && now.Size() < maxLog
	})
	if info, err := os.Stat(log + ".1"); err != nil || info.Size() > maxLog ||
		info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := talk(f, "chatty", user, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cell prints to the emptied log", func() bool {
		text, _ := os.ReadFile(log)
		return bytes.HasSuffix(text, []byte("the last line\n")) && !bytes.Contains(text, []byte{0})
	})
}

// The end of the log is kept in NAME.log.1, which is replaced.
func TestBoundLogKeepsTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "retina.log")
	write(t, path+".1", "older", 0o600)
	write(t, path, strings.Repeat("x", maxLog), 0o600)
	limitLog(path)
	if text, _ := os.ReadFile(path + ".1"); string(text) != "older" {
		t.Error("a small log was moved")
	}
	write(t, path, "the beginning"+strings.Repeat("x", maxLog)+"the end", 0o600)
	limitLog(path)
	text, _ := os.ReadFile(path + ".1")
	if len(text) != maxLog || !bytes.HasSuffix(text, []byte("xthe end")) {
		t.Errorf("%d bytes were kept", len(text))
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
}

// Last words are short, valid UTF-8, and also found after the log was emptied.
func TestLastWords(t *testing.T) {
	for _, test := range []struct {
		before, after string
		since         int64
		want          string
	}{
		{"old\n", "new\n", 4, "new"},
		{"old\n", "", 4, ""},
		{"", strings.Repeat("x", 3*maxWords) + "end\n", 0, strings.Repeat("x", maxWords-4) + "end"},
		{"", strings.Repeat("é", maxWords) + "!", 0, strings.Repeat("é", maxWords/2-1) + "!"},
		{"", "after it was emptied", 1 << 20, "after it was emptied"},
		{"", "\xff\xfecracked", 0, "cracked"},
	} {
		path := filepath.Join(t.TempDir(), "log")
		write(t, path, test.before+test.after, 0o600)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := lastWords(file, test.since); got != test.want {
			t.Errorf("of %.20q since %d: %.40q, want %.40q", test.before+test.after, test.since,
				got, test.want)
		}
		file.Close()
	}
}
