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

// child is the process of a Stem.
type child struct {
	cmd    *exec.Cmd
	output *os.File
	// rest gets what the stem printed after it was ready, when it has ended. If it never
	// was ready, rest is closed.
	rest chan string
	once sync.Once
	err  error
}

// Start runs the stem and returns when it is ready. ctx covers the start only: Stop or
// Kill ends the stem.
func (s *Stem) Start(ctx context.Context, flags ...string) error {
	s.ID, s.Addrs = "", nil
	flags = append([]string{"up", "--mesh", s.Mesh, "--no-mdns", "--listen", loopback}, flags...)
	cmd := s.command(context.WithoutCancel(ctx), flags...)
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = input, input
	err = cmd.Start()
	input.Close()
	if err != nil {
		output.Close()
		return err
	}
	s.child = &child{cmd: cmd, output: output, rest: make(chan string, 1)}
	output.SetReadDeadline(time.Now().Add(readyTimeout))
	stop := context.AfterFunc(ctx, func() { output.SetReadDeadline(time.Now()) })
	defer stop()
	lines := bufio.NewReader(output)
	if err := s.awaitReady(lines); err != nil {
		close(s.child.rest)
		s.Kill()
		return err
	}
	if stop() {
		output.SetReadDeadline(time.Time{})
	}
	go s.child.collect(lines)
	return nil
}

// awaitReady reads the stem's output until it is ready, and keeps its ID and addresses.
func (s *Stem) awaitReady(lines *bufio.Reader) error {
	var all strings.Builder
	for {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		line = strings.TrimSpace(line)
		switch {
		case err != nil:
			return &Failure{"up", all.String(), errors.Join(errors.New("was not ready"), err)}
		case strings.HasPrefix(line, "12D3"):
			s.ID = line
		case strings.HasPrefix(line, "/"):
			s.Addrs = append(s.Addrs, line)
		case line == "cell: ready":
			return nil
		}
	}
}

// collect reads the output until the stem has ended, and keeps the first 64 KiB.
func (c *child) collect(lines io.Reader) {
	rest, _ := io.ReadAll(io.LimitReader(lines, 64<<10))
	io.Copy(io.Discard, lines)
	c.rest <- string(rest)
}

// Stop asks the stem to end, if it runs, and waits for it. It fails if the stem exited
// with an error. Cells keep running.
func (s *Stem) Stop() error { return s.end(syscall.SIGTERM) }

// Kill kills the stem, if it runs, and waits for it.
func (s *Stem) Kill() { s.end(syscall.SIGKILL) }

func (s *Stem) end(signal syscall.Signal) error {
	c := s.child
	if c == nil {
		return nil
	}
	c.once.Do(func() {
		c.cmd.Process.Signal(signal)
		slow := time.AfterFunc(20*time.Second, func() { c.cmd.Process.Kill() })
		defer slow.Stop()
		err := c.cmd.Wait()
		// A child of the stem may still hold the other end of the pipe.
		c.output.SetReadDeadline(time.Now().Add(time.Second))
		rest := <-c.rest
		c.output.Close()
		if err != nil && signal == syscall.SIGTERM {
			c.err = &Failure{"up", rest, err}
		}
	})
	return c.err
}
