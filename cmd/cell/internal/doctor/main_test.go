package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// want fails the test unless a check with that name is in the state, contains the words,
// and has a remedy exactly if it is not OK.
func want(t *testing.T, checks []Check, name string, state State, words string) {
	t.Helper()
	for _, c := range checks {
		if c.Name != name || c.State != state || !strings.Contains(c.What, words) {
			continue
		}
		if (c.Remedy == "") != (state == OK) {
			t.Errorf("the remedy of %+v is %q", c, c.Remedy)
		}
		return
	}
	t.Errorf("no check %s, %s, with %q among %+v", name, state, words, checks)
}

func TestHome(t *testing.T) {
	h := hometest.New(t)
	want(t, Home(h), "home", OK, "is private to you")
	want(t, Home(h), "identity", Note, "no key yet")
	want(t, Home(h), "socket paths", OK, "up to 63 letters")
	hometest.Write(t, h.IdentityKey(), "secret")
	want(t, Home(h), "identity", OK, "only you can read")
	os.Chmod(h.IdentityKey(), 0o644)
	want(t, Home(h), "identity", Bad, "mode 0644")
	os.Chmod(h.String(), 0o755)
	want(t, Home(h), "home", Bad, "mode 0755")
	if len(Broken(Home(h))) == 0 {
		t.Error("a home that others can access is not broken")
	}

	file, err := home.At(h.IdentityKey())
	if err != nil {
		t.Fatal(err)
	}
	want(t, Home(file), "home", Bad, "is not a directory")
	missing, _ := home.At(filepath.Join(h.String(), "x"))
	want(t, Home(missing), "home", Note, "does not exist")
	if _, err := os.Stat(missing.String()); err == nil {
		t.Error("the check created a home")
	}
	long, err := home.At("/tmp/" + strings.Repeat("x", 50))
	if err != nil {
		t.Fatal(err)
	}
	if c := nameRoom(long); c.State != Note || !strings.Contains(c.What, "instead of 63") {
		t.Errorf("a long home: %+v", c)
	}
}

func TestTexts(t *testing.T) {
	h, now := hometest.New(t), time.Now()
	want(t, Texts(h, nil, now), "text files", OK, "all valid")
	hometest.Write(t, filepath.Join(h.PeersDir(), "x.toml"), "id = \"x\"\n")
	hometest.Write(t, filepath.Join(h.DNADir(), "y.toml"), "# fine\npublik = true\n")
	hometest.Write(t, filepath.Join(h.InvitesDir(), "00000000.toml"), "nonsense")
	hometest.Write(t, h.Revoked(), "serials = 1\n")
	hometest.Write(t, h.Places(), "[")
	checks := Texts(h, os.ErrInvalid, now)
	for _, words := range []string{"peers/x.toml:1:", "dna/y.toml:2:", "invites/00000000.toml:1:",
		"revoked.toml:1:", "places.toml:1:", os.ErrInvalid.Error()} {
		want(t, checks, "text files", Bad, words)
	}
	if len(checks) != 6 {
		t.Errorf("six bad files make %d checks: %+v", len(checks), checks)
	}
}

func TestClock(t *testing.T) {
	h, now := hometest.New(t), time.Now()
	if c := Clock(h, now.Add(-time.Hour), now)[0]; c.State == Bad ||
		!strings.Contains(c.What, "synchronized") && !strings.Contains(c.What, "no error found") {
		t.Errorf("a good clock: %+v", c)
	}
	want(t, Clock(h, now.Add(48*time.Hour), now), "clock", Bad, "was built on")
	path := filepath.Join(h.LogDir(), "x.log")
	hometest.Write(t, path, "")
	os.Chtimes(path, now, now.Add(time.Hour))
	want(t, Clock(h, time.Time{}, now), "clock", Note, "x.log was written on")
}
