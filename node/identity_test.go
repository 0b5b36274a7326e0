package node

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	first, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := LoadIdentity(path)
	if err != nil || again.ID() != first.ID() || first.ID().IsZero() {
		t.Errorf("got %v then %v, %v", first.ID(), again.ID(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestIdentityIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	var group sync.WaitGroup
	ids := make([]string, 32)
	for i := range ids {
		group.Go(func() {
			identity, err := LoadIdentity(path)
			if err != nil {
				t.Error(err)
			}
			ids[i] = identity.ID().String()
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two identities: %s and %s", ids[0], id)
		}
	}
}

func TestIdentityIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		remedy  string
	}{
		"not base64": {"!!!", 0o600, "restore it from a backup"},
		"not a key":  {"aGVsbG8=\n", 0o600, "restore it from a backup"},
		"empty":      {"", 0o600, "restore it from a backup"},
		"endless":    {strings.Repeat("A", 1<<20), 0o600, "restore it from a backup"},
		"readable":   {"", 0o640, "run chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "identity.key")
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadIdentity(path)
			if err == nil || !strings.Contains(err.Error(), path) ||
				!strings.Contains(err.Error(), c.remedy) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != c.content {
				t.Errorf("the file was touched: %v", err)
			}
		})
	}
	if _, err := LoadIdentity(filepath.Join(t.TempDir(), "no", "identity.key")); err == nil {
		t.Error("made a key without a directory")
	}
}

func TestSign(t *testing.T) {
	identity := testIdentity(t)
	signature, err := identity.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	key, ok := identity.ID().Ed25519()
	if !ok || !ed25519.Verify(key, []byte("message"), signature) {
		t.Error("the ID does not verify it")
	}
	if _, err := (Identity{}).Sign(nil); err == nil {
		t.Error("nobody signed")
	}
}

// A seed makes one key, whose signatures its ID verifies.
func TestSeededIdentity(t *testing.T) {
	one, err := SeededIdentity([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	again, err := SeededIdentity([32]byte{1})
	if err != nil || again.ID() != one.ID() {
		t.Errorf("%v, %v, and then %v", err, one, again)
	}
	if other, err := SeededIdentity([32]byte{2}); err != nil || other.ID() == one.ID() {
		t.Errorf("%v, %v", err, other)
	}
	signed, err := one.Sign([]byte("word"))
	key, ok := one.ID().Ed25519()
	if err != nil || !ok || !ed25519.Verify(key, []byte("word"), signed) {
		t.Errorf("%v, %v", err, ok)
	}
}
