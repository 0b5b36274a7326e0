package local

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is the process of a stem.
type child struct {
	cmd  *exec.Cmd
	says *os.File
	said chan string // what it said after it was ready, once it has ended; closed if it never was
	once sync.Once
	err  error
}

// Start runs the machine's stem and returns when it is ready. Down or Kill ends it, and
// not ctx: its cells have to be ended before.
func (m *Machine) Start(ctx context.Context, flags ...string) error {
	m.ID, m.Addrs = "", nil
	flags = append([]string{"up", "--mesh", m.Mesh, "--no-mdns", "--listen", "127.0.0.1"}, flags...)
	cmd := m.command(context.WithoutCancel(ctx), flags...)
	says, said, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Start()
	said.Close()
	if err != nil {
		says.Close()
		return err
	}
	m.stem = &child{cmd: cmd, says: says, said: make(chan string, 1)}
	says.SetReadDeadline(time.Now().Add(time.Minute))
	stop := context.AfterFunc(ctx, func() { says.SetReadDeadline(time.Now()) })
	defer stop()
	lines := bufio.NewReader(says)
	if err := m.awaitReady(lines); err != nil {
		close(m.stem.said)
		m.Kill()
		return err
	}
	if stop() {
		says.SetReadDeadline(time.Time{})
	}
	go m.stem.listen(lines)
	return nil
}

// awaitReady reads what the stem says until it is ready, and keeps its ID and its addresses.
func (m *Machine) awaitReady(lines *bufio.Reader) error {
	var all strings.Builder
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		line = strings.TrimSpace(line)
		switch {
		case err != nil:
			return &Failure{"up", all.String(), errors.Join(errors.New("was not ready"), err)}
		case strings.HasPrefix(line, "12D3"):
			m.ID = line
		case strings.HasPrefix(line, "/"):
			m.Addrs = append(m.Addrs, line)
		case line == "cell: ready":
			return nil
		}
	}
}

// listen reads what the stem says until it has ended, and keeps the beginning.
func (s *child) listen(lines io.Reader) {
	said, _ := io.ReadAll(io.LimitReader(lines, 64<<10))
	io.Copy(io.Discard, lines)
	s.said <- string(said)
}

// PID is that of the stem, once it has been started.
func (m *Machine) PID() int { return m.stem.cmd.Process.Pid }

// Addr returns the stem's multiaddr of a transport, "quic-v1" or "tcp".
func (m *Machine) Addr(transport string) string {
	for _, addr := range m.Addrs {
		if strings.Contains(addr, "/"+transport+"/") {
			return addr
		}
	}
	return ""
}

// Down asks the stem to end, if it runs, and returns when it has: an error if it did not
// end in order. Its cells go on.
func (m *Machine) Down() error { return m.end(syscall.SIGTERM) }

// Kill ends the stem, if it runs, without asking.
func (m *Machine) Kill() { m.end(syscall.SIGKILL) }

func (m *Machine) end(signal syscall.Signal) error {
	s := m.stem
	if s == nil {
		return nil
	}
	s.once.Do(func() {
		s.cmd.Process.Signal(signal)
		slow := time.AfterFunc(20*time.Second, func() { s.cmd.Process.Kill() })
		defer slow.Stop()
		err := s.cmd.Wait()
		s.says.SetReadDeadline(time.Now().Add(time.Second)) // a child of it may hold the other end
		said := <-s.said
		s.says.Close()
		if err != nil && signal == syscall.SIGTERM {
			s.err = &Failure{"up", said, err}
		}
	})
	return s.err
}
