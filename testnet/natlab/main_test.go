//go:build linux

package natlab

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newLab builds a lab that ends with the test.
func newLab(t *testing.T, link Link, sites ...Site) *Lab {
	t.Helper()
	if err := Check(); err != nil {
		t.Skip(err)
	}
	lab, err := New(Config{Link: link}, sites...)
	check(t, err)
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
