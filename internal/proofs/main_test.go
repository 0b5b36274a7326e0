// Package proofs has programs that were written without cell in mind call each other by it, unchanged: each test takes one
// program from a Debian package and its own client, on two machines' worth of stems. A program that is not there skips its
// test, with the name of the package to install.
package proofs

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/running"
)

// bin is a folder with the program cell, built once, which comes first in $PATH.
var bin string

// TestMain makes the test binary the Go programs of these tests, when it is called so.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && goPrograms[os.Args[1]] != nil {
		if err := goPrograms[os.Args[1]](os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "cell"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/cell").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// stem is a real one, in a process of its own, on loopback and in a private mesh.
type stem struct {
	home, id, at string
	other        string // what it calls the other one
}

// pair runs two stems that know each other as near and far, until the test ends.
func pair(t *testing.T) (near, far *stem) {
	t.Helper()
	far = up(t)
	near = up(t, "--bootstrap", far.at)
	near.other, far.other = "far", "near"
	near.cell(t, "trust", far.id, "--as", near.other)
	far.cell(t, "trust", near.id, "--as", far.other)
	return near, far
}

func up(t *testing.T, flags ...string) *stem {
	t.Helper()
	dir, err := os.MkdirTemp("", "cell") // short, as a home has to be
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &stem{home: dir}
	t.Cleanup(func() { s.endCells(t) })
	cmd := exec.Command(filepath.Join(bin, "cell"), append([]string{"up", "--mesh", "test", "--no-mdns", "--listen", "127.0.0.1"}, flags...)...)
	cmd.Env = s.environ()
	says, said, err := os.Pipe()
	check(t, err)
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Start()
	said.Close()
	check(t, err)
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	says.SetReadDeadline(time.Now().Add(30 * time.Second))
	lines := bufio.NewScanner(says)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "12D3"):
			s.id = line
		case strings.Contains(line, "/quic-v1/"):
			s.at = line
		case line == "cell: ready":
			says.SetReadDeadline(time.Time{})
			go func() { // until the stem ends
				io.Copy(io.Discard, says)
				says.Close()
			}()
			return s
		}
	}
	t.Fatalf("the stem is not ready: %v", lines.Err())
	return nil
}

func (s *stem) environ() []string {
	return append(os.Environ(), "CELL_HOME="+s.home, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+s.home, "LC_ALL=C")
}

// endCells ends the cells that run in the home, which outlive its stem.
func (s *stem) endCells(t *testing.T) {
	h, err := home.At(s.home)
	check(t, err)
	for _, cell := range running.List(h) {
		if cell.PID != 0 {
			syscall.Kill(cell.PID, syscall.SIGKILL)
		}
	}
}

// dna makes a cell of a program: text is the script, or names the program; settings are those of its mode. The other may call it.
func (s *stem) dna(t *testing.T, name, text, settings string) {
	t.Helper()
	dir := filepath.Join(s.home, "dna")
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
	return strings.TrimSpace(s.run(t, "", append([]string{"cell"}, args...)...))
}

// run runs a program in the stem's home, where it finds cell, and returns what it prints. It must succeed within a minute.
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
	program := command[0]
	if program == "cell" {
		program = filepath.Join(bin, "cell")
	}
	cmd := exec.CommandContext(ctx, program, command[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = s.environ(), s.home, time.Second
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
	out, err := exec.Command(need(t, "python3", "python3"), "-c", "import sys; print(sys.executable)").Output()
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

// write makes a file, and the folders above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(t, os.WriteFile(path, []byte(text), 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
