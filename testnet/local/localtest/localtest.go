// Package localtest runs stems in tests, as child processes of the program cell in $PATH.
//
//	func TestMain(m *testing.M) { os.Exit(localtest.Main(m)) }
//
//	func TestCall(t *testing.T) {
//		s := localtest.Up(t, hometest.Dir(t))
//		answer := localtest.Run(t, s, "connect", "echo")
//	}
package localtest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/testnet/local"
)

// Main builds the program cell, puts it into $PATH, runs the tests of a package and checks
// that they leave no goroutine. It returns the exit code.
func Main(m *testing.M) int {
	bin, err := os.MkdirTemp("", "cell")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	if out, err := exec.Command("go", "build", "-o", bin,
		"github.com/cell-mesh/cell/cmd/cell").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	os.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// New returns a stem that is not started. It and its cells are killed when the test ends.
func New(t testing.TB, home string) *local.Stem {
	s := &local.Stem{Home: home, Cell: "cell", Mesh: "test"}
	t.Cleanup(func() { KillCells(home); s.Kill() })
	return s
}

// Up starts a stem with New and returns when it is ready.
func Up(t testing.TB, home string, flags ...string) *local.Stem {
	t.Helper()
	s := New(t, home)
	if err := s.Start(t.Context(), flags...); err != nil {
		t.Fatal(err)
	}
	return s
}

// Run runs a cell command in the stem's home and returns its output. The test fails if
// the command does.
func Run(t testing.TB, s *local.Stem, args ...string) string {
	t.Helper()
	out, err := s.Run(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// KillCells kills the cells that run in a home, except those of this process.
func KillCells(dir string) {
	h, err := home.At(dir)
	if err != nil {
		panic(err)
	}
	for _, cell := range process.List(h) {
		if cell.PID != 0 && cell.PID != os.Getpid() {
			syscall.Kill(cell.PID, syscall.SIGKILL)
		}
	}
}
