package capability

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/socket"
)

// A revoked key is listed once, in a file that only the user can read.
func TestRevokeThenRead(t *testing.T) {
	h := hometest.New(t)
	if serials, err := Revoked(h); len(serials) != 0 || err != nil {
		t.Errorf("before the first: %q, %v", serials, err)
	}
	want := []string{NewSerial(), NewSerial(), NewSerial()}
	for _, serial := range append(want, want...) {
		if err := Revoke(t.Context(), h, serial); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Revoked(h); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if info, err := os.Stat(h.Revoked()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// Upper-case digits are the same number. Otherwise a key would look revoked and still be valid.
func TestSerialsInUpperCase(t *testing.T) {
	h := hometest.New(t)
	if err := os.WriteFile(h.Revoked(), []byte("serials = ['0123456789ABCDEF']\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, serial := range []string{"0123456789abcdef", "00AA00AA00AA00AA"} {
		if err := Revoke(t.Context(), h, serial); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"0123456789abcdef", "00aa00aa00aa00aa"}
	if got, err := Revoked(h); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// Commands that run at the same time do not undo each other.
func TestRevokersAtOnceLoseNothing(t *testing.T) {
	h := hometest.New(t)
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			if err := Revoke(t.Context(), h, fmt.Sprintf("%016x", i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := Revoked(h)
	slices.Sort(got)
	if err != nil || len(slices.Compact(got)) != 100 {
		t.Errorf("%d are left, %v", len(got), err)
	}
}

// A word that is not a serial number is refused: in the list it would look as if a key were
// revoked.
func TestRevokeRefusesWhatIsNoSerial(t *testing.T) {
	h := hometest.New(t)
	for _, serial := range []string{"", "7", "0123456789abcdeg", "0123456789abcdef0", "00",
		"0123456789abcdef00", golden} {
		if err := Revoke(t.Context(), h, serial); err == nil ||
			!strings.Contains(err.Error(), "serial number") {
			t.Errorf("%q: %v", serial, err)
		}
	}
	if _, err := os.Stat(h.Revoked()); err == nil {
		t.Error("a file was written")
	}
}

// Waiting for the lock ends with the context, and nothing is changed.
func TestRevokeEndsWithItsContext(t *testing.T) {
	h := hometest.New(t)
	lock, err := socket.TryLock(h.Revoked() + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Revoke(ctx, h, NewSerial()); !errors.Is(err, socket.ErrLocked) {
		t.Errorf("got %v", err)
	}
}

// An error in the file names its line, and the file is not overwritten.
func TestBadRevokedFile(t *testing.T) {
	for text, where := range map[string]string{
		"serials = [\n":                         "revoked.toml:1: ",
		"serials = \"0123456789abcdef\"\n":      "revoked.toml:1: ",
		"serials = []\n\nserial = \"7\"\n":      `revoked.toml:3: unknown key "serial"`,
		"serials = [\"0123456789abcdef\", 7]\n": "revoked.toml:1: serials must be a list",
		"# mine\nserials = [\n \"7\",\n]\n":     "revoked.toml:3: ",
		"serials = [\n \"0123456789abcde\",\n]": "revoked.toml:2: ",
	} {
		h := hometest.New(t)
		if err := os.WriteFile(h.Revoked(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Revoked(h); err == nil || !strings.Contains(err.Error(), where) ||
			len(got) > 0 {
			t.Errorf("%q: %q, %v, want %q", text, got, err, where)
		}
		if err := Revoke(t.Context(), h, NewSerial()); err == nil ||
			!strings.Contains(err.Error(), where) {
			t.Errorf("%q: Revoke: %v, want %q", text, err, where)
		}
		if now, err := os.ReadFile(h.Revoked()); err != nil || string(now) != text {
			t.Errorf("%q has become %q, %v", text, now, err)
		}
	}
}

// For any file, Revoked returns valid serial numbers or an error that names the file, and Revoke
// adds one and keeps the others.
func FuzzRevoked(f *testing.F) {
	for _, text := range []string{"", "serials = []", "serials = ['0123456789ABCDEF']",
		"serials = [\"0123456789abcdef\", \"0123456789abcdef\"]\n", "serials = [", "serials = 1",
		"serials = [[]]", "serial = []", "# none\nserials = [ ]\n"} {
		f.Add(text)
	}
	h := hometest.New(f)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(h.Revoked(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := Revoked(h)
		if err != nil {
			if len(before) > 0 || !strings.HasPrefix(err.Error(), h.Revoked()+":") {
				t.Errorf("%q: %q, %v", text, before, err)
			}
			return
		}
		const added = "00000000deadbeef"
		if err := Revoke(t.Context(), h, strings.ToUpper(added)); err != nil {
			t.Fatal(err)
		}
		after, err := Revoked(h)
		if err != nil || !slices.Contains(after, added) {
			t.Fatalf("%q: %s is missing in %q, %v", text, added, after, err)
		}
		for _, serial := range before {
			if raw, err := hex.DecodeString(serial); err != nil || len(raw) != 8 ||
				serial != strings.ToLower(serial) || !slices.Contains(after, serial) {
				t.Errorf("%q: serial %q was read, then %q", text, serial, after)
			}
		}
	})
}
