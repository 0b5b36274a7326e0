//go:build linux

package natlab

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
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home"
)

// readyWait bounds the start of a program on a loaded machine.
const readyWait = 30 * time.Second

// stem is a machine with a home, an identity and the cell echo, where `cell up` can run.
type stem struct {
	t     testing.TB
	host  *Host
	home  home.Home
	id    string
	addrs []string // where it listens, as it says
	began time.Time
	// crash ends it without a word, and down in order; both leave its cells alone.
	crash, down func()
}

func newStem(t testing.TB, host *Host) *stem {
	t.Helper()
	dir, err := os.MkdirTemp("", "nl") // short, since it has to hold sockets
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &stem{t: t, host: host}
	s.home, err = home.At(dir)
	check(t, err)
	s.id = strings.TrimSpace(s.run("id"))
	check(t, os.MkdirAll(s.home.DNADir(), 0o700))
	check(t, os.Symlink(program(t, "echo"), filepath.Join(s.home.DNADir(), "echo")))
	return s
}

func (s *stem) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := s.host.Command(ctx, program(s.t, "cell"), args...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+s.home.String())
	return cmd
}

// run runs one command and returns what it prints.
func (s *stem) run(args ...string) string {
	s.t.Helper()
	cmd := s.command(s.t.Context(), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%s: cell %s: %v\n%s", s.host.Name(), strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// up runs the stem until the test ends, and returns when it is ready. What it complains
// of is shown if the test fails.
func (s *stem) up(flags ...string) {
	s.t.Helper()
	cmd := s.command(context.Background(), append([]string{"up", "--mesh", "lab"}, flags...)...)
	says, said, err := os.Pipe()
	check(s.t, err)
	cmd.Stdout, cmd.Stderr = said, said
	s.began = time.Now()
	err = cmd.Start()
	said.Close()
	if err != nil {
		says.Close()
		s.t.Fatal(err)
	}
	var log bytes.Buffer
	lines := bufio.NewReader(says)
	rest := make(chan struct{})
	s.addrs = nil
	end := sync.OnceFunc(func() { cmd.Wait() })
	s.crash = func() { cmd.Process.Kill(); end() }
	s.down = func() { cmd.Process.Signal(os.Interrupt); end() }
	s.t.Cleanup(func() {
		s.crash()
		s.host.Kill() // its cells, which may hold the pipe
		<-rest
		says.Close()
		if s.t.Failed() && log.Len() > 0 {
			s.t.Logf("%s, %s:\n%s", s.host.Name(), s.id, &log)
		}
	})
	says.SetReadDeadline(time.Now().Add(readyWait))
	for {
		line, err := lines.ReadString('\n')
		line = strings.TrimSpace(line)
		if err != nil {
			close(rest)
			s.t.Fatalf("%s is not ready: %v\n%s", s.host.Name(), err, &log)
		}
		if line == "cell: ready" {
			break
		}
		if strings.HasPrefix(line, "/") {
			s.addrs = append(s.addrs, line)
		} else if line != s.id {
			fmt.Fprintln(&log, line)
		}
	}
	says.SetReadDeadline(time.Time{})
	go func() { // ends with the stem
		defer close(rest)
		io.Copy(&log, lines)
	}()
}

// bootstrap is what others are told so that they find the mesh: the flags for the stem's
// public addresses.
func (s *stem) bootstrap() (flags []string) {
	for _, addr := range s.addrs {
		for _, ip := range []string{s.host.Addr.String(), s.host.Addr6.String()} {
			if strings.Contains(addr, "/"+ip+"/") {
				flags = append(flags, "--bootstrap", addr)
			}
		}
	}
	return flags
}
