//go:build linux

package natlab

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removePrograms()
		os.Exit(code)
	}))
}

// needLab skips the test where labs can't be built.
func needLab(t testing.TB) {
	t.Helper()
	if err := Check(); err != nil {
		t.Skip(err)
	}
}

// newLab builds a lab that ends with the test.
func newLab(t testing.TB, link Link, sites ...Site) *Lab {
	t.Helper()
	needLab(t)
	lab, err := New(Config{Link: link}, sites...)
	check(t, err)
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return lab
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
