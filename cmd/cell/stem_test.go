package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// stems are the stems of the scripts, by their homes.
var stems sync.Map

// testStem is a real stem in a process of its own.
type testStem struct {
	home  string
	cmd   *exec.Cmd
	id    string
	addrs []string
	said  chan string // all that it said after it was ready, once it has ended
	once  sync.Once
	err   error
}

// startStem runs `cell up` on loopback, in the mesh "test" without mDNS unless flags say otherwise, and waits until it is ready.
func startStem(home string, flags ...string) (*testStem, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	flags = append([]string{"up", "--listen", "127.0.0.1", "--no-mdns", "--mesh", "test"}, flags...)
	cmd := exec.Command(self, flags...)
	cmd.Args[0] = "cell"
	cmd.Env = append(os.Environ(), "CELL_HOME="+home)
	says, said, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Start()
	said.Close()
	if err != nil {
		return nil, err
	}
	s := &testStem{home: home, cmd: cmd, said: make(chan string, 1)}
	says.SetReadDeadline(time.Now().Add(30 * time.Second))
	lines := bufio.NewReader(says)
	var all strings.Builder
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		line = strings.TrimSpace(line)
		switch {
		case err != nil:
			s.kill()
			return nil, fmt.Errorf("the stem at %s is not ready: %v\n%s", home, err, all.String())
		case strings.HasPrefix(line, "12D3"):
			s.id = line
		case strings.HasPrefix(line, "/"):
			s.addrs = append(s.addrs, line)
		case line == "cell: ready":
			says.SetReadDeadline(time.Time{})
			go func() { // ends with the stem
				rest, _ := io.ReadAll(lines)
				says.Close()
				s.said <- string(rest)
			}()
			return s, nil
		}
	}
}

// address returns the stem's multiaddr of a transport, "quic-v1" or "tcp".
func (s *testStem) address(transport string) string {
	for _, addr := range s.addrs {
		if strings.Contains(addr, "/"+transport+"/") {
			return addr
		}
	}
	return ""
}

func (s *testStem) kill() { s.end(syscall.SIGKILL) }

// stop asks the stem to end and returns what it had to complain of.
func (s *testStem) stop() error { return s.end(syscall.SIGTERM) }

func (s *testStem) end(signal syscall.Signal) error {
	s.once.Do(func() {
		s.cmd.Process.Signal(signal)
		slow := time.AfterFunc(20*time.Second, func() { s.cmd.Process.Kill() })
		defer slow.Stop()
		s.err = s.cmd.Wait()
		if signal == syscall.SIGTERM && s.err != nil {
			s.err = errors.Join(s.err, errors.New(<-s.said))
		}
	})
	return s.err
}

// endCells ends the cells that run in a home, which outlive its stem.
func endCells(home string) {
	paths, _ := filepath.Glob(filepath.Join(home, "run", "*.sock"))
	for _, path := range paths {
		if strings.Contains(filepath.Base(path), "@") {
			continue // a link, which is the stem's
		}
		conn, err := socket.Dial(context.Background(), path)
		if err != nil {
			continue
		}
		pid, _, err := socket.Owner(conn)
		conn.Close()
		if err == nil && pid != os.Getpid() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
