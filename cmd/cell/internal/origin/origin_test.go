package origin

import (
	"os"
	"path/filepath"
	"testing"
)

// A test is built from the checkout that it lies in.
func TestFind(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	want := Origin{Dir: filepath.Join(here, "../../../..")}
	if got, ok := Find(); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
}

func TestIsCheckout(t *testing.T) {
	dir := t.TempDir()
	if IsCheckout(dir) {
		t.Error("an empty directory is one")
	}
	for text, want := range map[string]bool{"module " + Module + "\n\ngo 1.26.0\n": true,
		"module " + Module + "/v2\n": false} {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if IsCheckout(dir) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}

func TestIsRelease(t *testing.T) {
	for version, want := range map[string]bool{
		"v1.2.3": true, "(devel)": false, "": false, "v1.2.3+dirty": false,
		"v0.0.0-20261123061905-a5330f0aaaaa": false,
	} {
		if isRelease(version) != want {
			t.Errorf("%q: want %v", version, want)
		}
	}
}
