package capability

import (
	"context"
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

// A key that was taken back stays so, once, in a text that its owner can read, and nobody else.
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

// Its digits may be written in upper case, by hand, too: it is the same number, and it
// must not seem to be revoked and open.
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

// Two commands at once, or a hundred: what each has taken back is taken back.
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

// A word that is no serial number is refused: in the list it would look as if a key had
// been taken back.
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

// Whoever waits for a lock gives up when its time is over, and has changed nothing.
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

// A mistake in the file is named with its line, and is not written over.
func TestBadRevokedFile(t *testing.T) {
	for text, where := range map[string]string{
		"serials = [\n":                         "revoked.toml:1: ",
		"serials = \"0123456789abcdef\"\n":      "revoked.toml:1: ",
		"serials = []\n\nserial = \"7\"\n":      `revoked.toml:3: unknown key "serial"`,
		"serials = [\"0123456789abcdef\", 7]\n": "revoked.toml:1: serials is to be a list",
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
