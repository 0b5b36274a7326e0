//go:build linux

package natlab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/door"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
)

// readyWait bounds the start of a program on a loaded machine.
const readyWait = 30 * time.Second

// stem is a machine with a home, an identity and the cell echo, where `cell up` can run.
type stem struct {
	t     *testing.T
	host  *Host
	home  home.Home
	id    string
	addrs []string // where it listens, as it says
	began time.Time
}

func newStem(t *testing.T, host *Host) *stem {
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

// up runs the stem until the test ends, and returns when it is ready. What it complains of is shown if the test fails.
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
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
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

// bootstrap is what others are told so that they find the mesh: the flags for the stem's public addresses.
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

// call is a conversation with an echo.
type call struct{ *door.Answer }

// call calls the echo of another stem, as `cell connect` does, but from this process, whose start would be measured, too. It
// returns when the first byte has come back.
func (s *stem) call(ctx context.Context, to *stem) (call, error) {
	answer, err := door.Ask(ctx, s.home, wire.Request{Verb: wire.Open, Object: "echo@" + to.id})
	if err != nil {
		return call{}, err
	}
	c := call{answer}
	if err := c.echo(ctx); err != nil {
		c.Conn.Close()
		return call{}, err
	}
	return c, nil
}

func (c call) echo(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	c.Conn.SetDeadline(deadline)
	if _, err := c.Conn.Write([]byte{'!'}); err != nil {
		return err
	}
	heard := make([]byte, 1)
	if _, err := io.ReadFull(io.MultiReader(bytes.NewReader(c.Rest), c.Conn), heard); err != nil {
		return err
	}
	if heard[0] != '!' {
		return fmt.Errorf("the echo of '!' is %q", heard)
	}
	return nil
}

// status is what this test wants to know of what `cell status --json` prints.
type status struct {
	Network struct {
		Peers []struct {
			ID        string `json:"id"`
			Transport string `json:"transport"`
		} `json:"peers"`
	} `json:"network"`
}

func (s *stem) status() (now status) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), readyWait)
	defer cancel()
	answer, err := door.Ask(ctx, s.home, wire.Request{Verb: wire.Status})
	check(s.t, err)
	defer answer.Conn.Close()
	deadline, _ := ctx.Deadline()
	answer.Conn.SetDeadline(deadline)
	check(s.t, json.NewDecoder(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn)).Decode(&now))
	return now
}

// transports are those of the connections to another stem, "relay" among them.
func (s *stem) transports(to *stem) (names []string) {
	s.t.Helper()
	for _, peer := range s.status().Network.Peers {
		if peer.ID == to.id {
			names = append(names, peer.Transport)
		}
	}
	return names
}

// joined waits until the stem is connected to the mesh.
func (s *stem) joined() {
	s.t.Helper()
	ok := eventually(s.t.Context(), readyWait, func() bool {
		return len(s.status().Network.Peers) > 0
	})
	if !ok {
		s.t.Fatalf("%s has not joined the mesh", s.host.Name())
	}
}

// glance is how often a stem is asked for what it does not tell by itself.
const glance = 10 * time.Millisecond

// eventually says whether something happens within some time.
func eventually(ctx context.Context, within time.Duration, happens func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for !happens() {
		if socket.Pause(ctx, glance) != nil {
			return false
		}
	}
	return true
}
