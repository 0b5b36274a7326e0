// Package sdk_test runs the SDKs of other languages against real stems and against each
// other. A test needs no more than the language's interpreter, and is skipped where that
// is missing.
package sdk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// TestMain makes the test binary the Go counterpart of testdata/cells.* and
// testdata/call.*, when it is called so.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "cells" {
		os.Exit(goCells(os.Args[2], os.Args[4]))
	}
	if len(os.Args) > 2 && os.Args[1] == "call" {
		os.Exit(goCall(os.Args[2]))
	}
	fuzzing := func(arg string) bool { return strings.HasPrefix(arg, "-test.fuzz=") }
	if slices.ContainsFunc(os.Args, fuzzing) {
		os.Exit(m.Run()) // fuzzing needs no stem, and each worker would build one
	}
	os.Exit(localtest.Main(m))
}

// language is how the programs of one SDK are run.
type language struct {
	name        string
	cells, call []string // the command lines, without what is asked of them
}

func languages(t *testing.T) []language {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	all := []language{{"go", []string{self, "cells"}, []string{self, "call"}}}
	for _, other := range [][2]string{{"python3", "py"}, {"node", "js"}} {
		program, err := exec.LookPath(other[0])
		if err != nil {
			t.Run(other[0], func(t *testing.T) { t.Skip(err) })
			continue
		}
		// the interpreter itself: one that a version manager stands before starts slowly
		if other[0] == "python3" {
			if out, err := exec.Command(program, "-c",
				"import sys; print(sys.executable)").Output(); err == nil {
				program = strings.TrimSpace(string(out))
			}
		}
		cells, err := filepath.Abs("testdata/cells." + other[1])
		check(t, err)
		call, err := filepath.Abs("testdata/call." + other[1])
		check(t, err)
		all = append(all, language{other[0], []string{program, cells}, []string{program, call}})
	}
	return all
}

// foreign are those that are not Go.
func foreign(t *testing.T) []language {
	t.Helper()
	return languages(t)[1:]
}

// dna puts a cell of this language into a home's store, as KIND-LANGUAGE.
func (l language) dna(t *testing.T, home, kind string) string {
	t.Helper()
	return l.dnaAs(t, home, kind, kind+"-"+l.name)
}

func (l language) dnaAs(t *testing.T, home, kind, name string) string {
	t.Helper()
	script := "#!/bin/sh\nexec '" + strings.Join(l.cells, "' '") + "' " + kind + ` "$@"` + "\n"
	check(t, os.MkdirAll(filepath.Join(home, "dna"), 0o700))
	check(t, os.WriteFile(filepath.Join(home, "dna", name), []byte(script), 0o700))
	return name
}

// command calls an address from a home.
func (l language) command(ctx context.Context, home, address string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.call[0],
		append(l.call[1:len(l.call):len(l.call)], address)...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+home)
	return cmd
}

// ask calls an address, sends input, and returns the answer and what stands on stderr,
// which is empty if all went well.
func (l language) ask(t *testing.T, home, address, input string) (answer, complaint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	cmd := l.command(ctx, home, address)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	if (err == nil) != (stderr.Len() == 0) {
		t.Errorf("%s calls %s: %v, but it says %q", l.name, address, err, &stderr)
	}
	return stdout.String(), stderr.String()
}

// wantAnswer calls an address and wants just this.
func (l language) wantAnswer(t *testing.T, home, address, input, want string) {
	t.Helper()
	if got, complaint := l.ask(t, home, address, input); got != want || complaint != "" {
		t.Errorf("%s calls %s: got %d bytes %.80q, want %d bytes %.80q; it says %q", l.name,
			address, len(got), got, len(want), want, complaint)
	}
}

// wantError calls an address and wants to be told this, and nothing else.
func (l language) wantError(t *testing.T, home, address, class, words string) {
	t.Helper()
	got, complaint := l.ask(t, home, address, "")
	if got != "" || !strings.HasPrefix(complaint, class+": ") ||
		!strings.Contains(complaint, words) {
		t.Errorf("%s calls %s: got %q and %q, want %s and %q", l.name, address, got, complaint,
			class, words)
	}
}

// up runs a stem in a home of its own.
func up(t *testing.T) *local.Stem {
	t.Helper()
	m := localtest.Up(t, hometest.Dir(t))
	// As a umask of 022 makes it. The home keeps others out, so every SDK listens there.
	check(t, os.Chmod(filepath.Join(m.Home, "run"), 0o755))
	return m
}

// newHome is one without a stem; what runs in it ends with the test.
func newHome(t *testing.T) string {
	t.Helper()
	return localtest.New(t, hometest.Dir(t)).Home
}

// goCells is testdata/cells.* in Go.
func goCells(kind, name string) int {
	l, err := synapse.Listen(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, "InUse:", err)
		return 1
	}
	fmt.Println("listening")
	for {
		conn, err := l.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer conn.Close()
			switch kind {
			case "echo":
				io.Copy(conn, conn)
			case "late":
				whole := sha256.New()
				io.Copy(whole, conn)
				fmt.Fprintf(conn, "%x\n", whole.Sum(nil))
			case "who":
				fmt.Fprintln(conn, conn.RemoteAddr())
			}
		}()
	}
}

// goCall is testdata/call.* in Go.
func goCall(address string) int {
	conn, err := synapse.Dial(context.Background(), address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(conn, os.Stdin)
		conn.CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		fmt.Fprintln(os.Stderr, "Cut:", err)
		return 1
	}
	<-sent
	return 0
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
