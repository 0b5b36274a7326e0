// Package localtest runs stems for tests, as processes of the program cell, which is the
// one in $PATH.
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

// Main runs the tests of a package with a program cell in $PATH that it has built for
// them, and looks for goroutines that they have left. It returns the exit code.
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

// New is the machine of a home, whose stem does not run yet. Its stem and its cells end
// with the test.
func New(t testing.TB, home string) *local.Machine {
	m := &local.Machine{Home: home, Cell: "cell", Mesh: "test"}
	t.Cleanup(func() { KillCells(home); m.Kill() })
	return m
}

// Up is New with a stem that is ready.
func Up(t testing.TB, home string, flags ...string) *local.Machine {
	t.Helper()
	m := New(t, home)
	if err := m.Start(t.Context(), flags...); err != nil {
		t.Fatal(err)
	}
	return m
}

// Run runs the program in a machine's home, where it must succeed, and returns what it prints.
func Run(t testing.TB, m *local.Machine, args ...string) string {
	t.Helper()
	out, err := m.Run(t.Context(), nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// KillCells ends the cells that run in a home, which outlive its stem, but for those of
// this process.
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
