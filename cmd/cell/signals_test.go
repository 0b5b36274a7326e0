package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// A stem goes on when nobody reads its stderr any more, though it has something to say there.
func TestStderrIsClosed(t *testing.T) {
	dir := hometest.Dir(t)
	cmd := cellCommand(context.WithoutCancel(t.Context()), dir, "up", "--mesh", "test", "--no-mdns",
		"--listen", "127.0.0.1")
	stderr, err := cmd.StderrPipe()
	check(t, err)
	check(t, cmd.Start())
	ended := make(chan error, 1)
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("the stem ended with %v", err)
		}
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && lines.Text() != "cell: ready" {
	}
	check(t, stderr.Close())
	go func() { ended <- cmd.Wait() }()

	broken := filepath.Join(dir, "dna", "broken")
	check(t, os.WriteFile(broken, []byte("#!/bin/sh\nexit 1\n"), 0o700))
	if cellCommand(t.Context(), dir, "connect", "broken").Run() == nil { // the stem logs why
		t.Error("a program that exits at once was reached")
	}
	localtest.Run(t, localtest.New(t, dir), "status")
}

// A cell whose terminal is closed ends as by Ctrl-C: its socket is gone.
func TestHangup(t *testing.T) {
	dir := hometest.Dir(t)
	cmd := cellCommand(t.Context(), dir, "run", "upper", "--", "tr", "a-z", "A-Z")
	check(t, cmd.Start())
	socket := filepath.Join(dir, "run", "upper.sock")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the cell does not listen")
		}
	}
	call := cellCommand(t.Context(), dir, "connect", "upper")
	call.Stdin = strings.NewReader("words")
	if out, err := call.Output(); err != nil || string(out) != "WORDS" {
		t.Fatalf("got %q, %v", out, err)
	}
	check(t, cmd.Process.Signal(syscall.SIGHUP))
	cmd.Wait()
	if _, err := os.Stat(socket); err == nil {
		t.Error("its socket is still there")
	}
}
