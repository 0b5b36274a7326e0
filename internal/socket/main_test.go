package socket

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what should take no time at all, so that a hang fails and names its test.
const patience = time.Minute

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func listen(t testing.TB, path string) *Listener {
	t.Helper()
	l, err := Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// answers says whether somebody listens at the path and that it is l who accepts.
func answers(t *testing.T, l *Listener, path string) bool {
	t.Helper()
	conn, err := Dial(soon(t), path)
	if err != nil {
		return false
	}
	defer conn.Close()
	l.SetDeadline(time.Now().Add(patience))
	accepted, err := l.AcceptUnix()
	if err != nil {
		return false
	}
	accepted.Close()
	return true
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// onlyFiles wants nothing else in the folder: no socket under a temporary name is left behind.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if len(got) != len(want) {
		t.Errorf("%s has %q, want %q", filepath.Base(dir), got, want)
	}
}
