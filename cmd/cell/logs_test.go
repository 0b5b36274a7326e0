package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// "cell logs -n" prints so many lines from the end, however long they are.
func TestLogsLast(t *testing.T) {
	t.Parallel()
	home := hometest.Dir(t)
	path := filepath.Join(home, "log", "retina.log")
	check(t, os.Mkdir(filepath.Dir(path), 0o700))
	long := strings.Repeat("x", 100_000) + "\n"
	all := "one\n\n" + long + long + "end\nhalf"
	check(t, os.WriteFile(path, []byte(all), 0o600))
	for n, want := range map[string]string{"0": "", "1": "half", "2": "end\nhalf",
		"3": long + "end\nhalf", "4": long + long + "end\nhalf",
		"5": "\n" + long + long + "end\nhalf", "6": all, "7": all, "1000000": all} {
		got, err := cellCommand(t.Context(), home, "logs", "retina", "-n", n).CombinedOutput()
		if err != nil || string(got) != want {
			t.Errorf("-n %s: %d bytes, %v, want %d", n, len(got), err, len(want))
		}
	}
	check(t, os.WriteFile(path, []byte("one\ntwo\n"), 0o600))
	if got, err := cellCommand(t.Context(), home, "logs", "retina",
		"-n1").CombinedOutput(); err != nil || string(got) != "two\n" {
		t.Errorf("of two whole lines: %q, %v", got, err)
	}
}

// "cell logs -f" prints what is there and what is to come: of a log that does not exist
// yet, and of one that is cut; and ends in order when it is interrupted.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	home := hometest.Dir(t)
	path := filepath.Join(home, "log", "retina.log")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := cellCommand(ctx, home, "logs", "retina", "--follow", "-n", "2")
	said, err := cmd.StderrPipe()
	check(t, err)
	stderr := bufio.NewReader(said)
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	want := func(line string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); got != line {
			t.Fatalf("it prints %q, %v, want %q", got, err, line)
		}
	}
	say := func(text string, flag int) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
		check(t, err)
		_, err = file.WriteString(text)
		check(t, err)
		check(t, file.Close())
	}
	if notice, err := stderr.ReadString('\n'); !strings.HasSuffix(notice,
		"retina.log; waiting for it\n") {
		t.Fatalf("of a log that is not there it says %q, %v", notice, err)
	}
	say("before it was there\n", os.O_APPEND)
	want("before it was there\n")
	say("one\ntwo\n", os.O_APPEND)
	want("one\n")
	want("two\n")
	check(t, os.WriteFile(filepath.Join(home, "log", "other.log"), []byte("another cell's\n"),
		0o600))
	say("cut\n", os.O_TRUNC)
	want("cut\n")
	say("more\n", os.O_APPEND)
	want("more\n")
	check(t, cmd.Process.Signal(syscall.SIGINT))
	if rest, err := lines.ReadString('\n'); rest != "" {
		t.Errorf("it goes on with %q, %v", rest, err)
	}
	more, _ := io.ReadAll(stderr)
	if err := cmd.Wait(); err != nil || len(more) > 0 {
		t.Errorf("it ends with %v and says %q", err, more)
	}
}
