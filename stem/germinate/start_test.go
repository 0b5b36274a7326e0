package germinate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// gone reports whether a child process has ended and been reaped.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// If the cell ends before it answers, the caller gets its exit status and last words at once.
func TestCellThatEndsBeforeItAnswers(t *testing.T) {
	for cell, words := range map[string][]string{
		"crash": {"crash exited with status 3 before its socket answered",
			"its last words:\nthe lens is cracked"},
		"zero":   {"zero exited with status 0"},
		"killed": {"killed was ended by signal 9 (killed)"},
	} {
		t.Run(cell, func(t *testing.T) {
			f := newFactoryWith(t, cell)
			_, err := talk(f, cell, peer(2), "")
			wantRefusal(t, err, wire.Failed, words...)
			wantStarts(t, f.home, 1)
			if pid := stemtest.PID(t, f.home, 0); !gone(pid) {
				t.Errorf("process %d has not been reaped", pid)
			}
		})
	}
}

// Last words are only those of this start.
func TestLastWordsAreOfThisStart(t *testing.T) {
	f := newFactoryWith(t, "crash")
	write(t, f.home.Log(name("crash")), "words of long ago\n", 0o600)
	_, err := talk(f, "crash", user, "")
	wantRefusal(t, err, wire.Failed, "the lens is cracked")
	if strings.Contains(err.Error(), "long ago") {
		t.Errorf("got %v", err)
	}
	if text, _ := os.ReadFile(f.home.Log(name("crash"))); string(text) != "words of long ago\nthe lens is cracked\n" {
		t.Errorf("the log is %q", text)
	}
}

// A cell that does not answer by its deadline is killed.
func TestSilentCellIsKilledAtItsDeadline(t *testing.T) {
	f := newFactoryWith(t, "silent")
	write(t, f.home.DNA(name("silent"))+".toml", "start_timeout = \"3s\"\n", 0o600)
	_, err := talk(f, "silent", user, "")
	wantRefusal(t, err, wire.Failed, "silent did not answer at its socket within 3s")
	wantStarts(t, f.home, 1)
	eventually(t, "the process has ended", func() bool { return gone(stemtest.PID(t, f.home, 0)) })
}

// A traditional daemon exits and leaves a child that answers.
func TestChildMayAnswer(t *testing.T) {
	f := newFactoryWith(t, "forker")
	mustTalk(t, f, "forker")
	mustTalk(t, f, "forker")
	wantStarts(t, f.home, 2) // it and its child

	ended := make(chan syscall.WaitStatus, 1)
	ended <- 0 // the parent's end may be seen before its child's socket
	if err := f.await(t.Context(), name("forker"), dna.Settings{}, nil, ended); err != nil {
		t.Error(err)
	}
}

// The refusal for dna that cannot be started contains the remedy.
func TestDNAThatCannotStart(t *testing.T) {
	const none = 0
	for _, test := range []struct {
		cell, text string
		mode       os.FileMode
		code       wire.Code
		words      []string
	}{
		{"absent", "", none, wire.NotFound, []string{"absent is not running, and there is no dna at ", "/dna/absent"}},
		{"stem.join", "#!/bin/sh\n", 0o700, wire.NotFound,
			[]string{"stem.join is not running", "the name is reserved for the stem"}},
		{"data", "#!/bin/sh\n", 0o600, wire.Failed,
			[]string{"is not executable: run \"chmod +x ", "/dna/data\""}},
		{"text", "echo hello\n", 0o700, wire.Failed,
			[]string{"a script begins with #! and its interpreter"}},
		{"empty", "", 0o700, wire.Failed, []string{"neither a program for this machine nor a script"}},
		{"lost", "#!/no/such/interpreter\n", 0o700, wire.Failed,
			[]string{"lost:1: its interpreter", "is not installed on this machine"}},
	} {
		t.Run(test.cell, func(t *testing.T) {
			f := newFactoryWith(t)
			if test.mode != none {
				write(t, f.home.DNA(name(test.cell)), test.text, test.mode)
			}
			_, err := f.Connect(t.Context(), name(test.cell), user)
			wantRefusal(t, err, test.code, test.words...)
			wantRefusal(t, f.Germinate(t.Context(), name(test.cell), peer(2)), test.code,
				test.words...)
		})
	}
}

// A directory is not dna, and an error in the settings names its line.
func TestDNAThatIsMisplaced(t *testing.T) {
	f := newFactoryWith(t, "echo")
	if err := os.Mkdir(f.home.DNA(name("folder")), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := f.Connect(t.Context(), name("folder"), user)
	wantRefusal(t, err, wire.Failed, "is a directory")
	write(t, f.home.DNA(name("echo"))+".toml", "public = false\nstart_timeout = \"soon\"\n", 0o600)
	_, err = f.Connect(t.Context(), name("echo"), user)
	wantRefusal(t, err, wire.Failed, filepath.Join(f.home.DNADir(), "echo.toml")+":2", "soon")
}

// A name that is too long for a socket address is refused, and nothing is started.
func TestNameTooLongForItsHome(t *testing.T) {
	short := stemtest.Home(t)
	deep, err := home.At(filepath.Join(short.String(), strings.Repeat("h", 40)))
	if err != nil {
		t.Fatal(err)
	}
	if err := deep.Make(); err != nil {
		t.Fatal(err)
	}
	f, _ := runFactory(t, deep)
	long := name(strings.Repeat("a", address.MaxName))
	write(t, deep.DNA(long), "#!/bin/sh\ntouch started\n", 0o700)
	_, err = f.Connect(t.Context(), long, user)
	wantRefusal(t, err, wire.Failed, "use a shorter name")
	if _, err := os.Stat(filepath.Join(deep.String(), "started")); err == nil {
		t.Error("the cell was started")
	}
}
