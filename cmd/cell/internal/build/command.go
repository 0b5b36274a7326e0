package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long a command may take to end after an interrupt, and its children to
// close its output.
const patience = 2 * time.Second

// run runs a program in a directory with additional environment variables. The error
// contains the end of its output. When ctx ends, run interrupts the process group as Ctrl-C
// does, and kills it if it does not end.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append(env, "PWD="+dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = patience
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if ctx.Err() != nil {
		if cmd.Process != nil {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of the group
		}
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, exec.ErrWaitDelay): // success, but a child is still running
		return nil
	case errors.Is(err, exec.ErrNotFound) && name == "go":
		return errors.New("building a Go program needs Go, which is not on the PATH: " +
			"install it from https://go.dev/dl")
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", strings.Join(append([]string{name}, args[:1]...), " "), err,
			said.String())
	}
	return nil
}

// maxSaid bounds what is kept of a command's output.
const maxSaid = 16 << 10

// tail keeps the end of what is written to it.
type tail struct {
	text []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-maxSaid):]...)
	if len(t.text) > maxSaid || len(p) > maxSaid {
		t.text = append(t.text[:0], t.text[len(t.text)-maxSaid:]...)
		t.cut = true
	}
	return len(p), nil
}

func (t *tail) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.text), ""))
	if t.cut {
		return "…" + text
	}
	return text
}
