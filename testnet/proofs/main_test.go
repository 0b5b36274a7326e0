// Package proofs has programs that were written without cell in mind call each other by
// it, unchanged: each test takes one program from a Debian package and its own client, on
// two machines' worth of stems. A program that is not there skips its test, with the name
// of the package to install.
package proofs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// TestMain makes the test binary the Go programs of these tests, when it is called so.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && goPrograms[os.Args[1]] != nil {
		if err := goPrograms[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("LC_ALL", "C")
	os.Exit(localtest.Main(m))
}

// stem is one whose programs have its home as theirs.
type stem struct {
	*local.Stem
	other string // what it calls the other one
}

// pair runs two stems that know each other as near and far, until the test ends.
func pair(t *testing.T) (near, far *stem) {
	t.Helper()
	far = up(t)
	near = up(t, "--bootstrap", far.Addr("quic-v1"))
	near.other, far.other = "far", "near"
	near.cell(t, "trust", far.ID, "--as", near.other)
	far.cell(t, "trust", near.ID, "--as", far.other)
	return near, far
}

func up(t *testing.T, flags ...string) *stem {
	t.Helper()
	m := localtest.New(t, hometest.Dir(t))
	m.Env = []string{"HOME=" + m.Home}
	check(t, m.Start(t.Context(), flags...))
	return &stem{Stem: m}
}

// dna makes a cell of a program: text is the script, or names the program; settings are
// those of its mode. The other may call it.
func (s *stem) dna(t *testing.T, name, text, settings string) {
	t.Helper()
	dir := filepath.Join(s.Home, "dna")
	if strings.HasPrefix(text, "/") {
		check(t, os.Symlink(text, filepath.Join(dir, name)))
	} else {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
	}
	check(t, os.WriteFile(filepath.Join(dir, name+".toml"), []byte(settings), 0o600))
	s.allow(t, name)
}

// allow lets the other call a cell.
func (s *stem) allow(t *testing.T, name string) {
	t.Helper()
	s.cell(t, "trust", s.other, "--cells", name)
}

// cell runs the program cell in the stem's home, and returns the line that it prints.
func (s *stem) cell(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(localtest.Run(t, s.Stem, args...))
}

// run runs a program in the stem's home, where it finds cell, and returns what it prints.
// It must succeed within a minute.
func (s *stem) run(t *testing.T, input string, command ...string) string {
	t.Helper()
	out, err := s.try(t, input, command...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return out
}

func (s *stem) try(t *testing.T, input string, command ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(append(os.Environ(), "CELL_HOME="+s.Home), s.Env...)
	cmd.Dir, cmd.WaitDelay = s.Home, time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w\n%s", err, &stderr)
	}
	return stdout.String(), nil
}

// need returns the path of a program, or skips the test with the name of its package.
func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program) // which is not in everybody's $PATH
	}
	if err != nil {
		t.Skipf("there is no %s: apt-get install %s", program, pkg)
	}
	return path
}

// python is the interpreter itself: one that a version manager stands before starts slowly.
func python(t *testing.T) string {
	t.Helper()
	out, err := exec.Command(need(t, "python3", "python3"), "-c",
		"import sys; print(sys.executable)").Output()
	check(t, err)
	return strings.TrimSpace(string(out))
}

// daemon runs a program until the test ends, and returns what it prints.
func daemon(t *testing.T, dir, program string, args ...string) io.Reader {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	says, said, err := os.Pipe()
	check(t, err)
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Start()
	said.Close()
	check(t, err)
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); says.Close() })
	says.SetReadDeadline(time.Now().Add(30 * time.Second))
	return says
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
