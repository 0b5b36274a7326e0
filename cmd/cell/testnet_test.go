package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/internal/process"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/testnet/local"
)

// endTestnet ends what a script has left in a directory, if there is something.
func endTestnet(dir string) error {
	n, err := local.Open(dir)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return n.Down(ctx)
}

// newTestnet is the configuration of one that ends with the test. Its program is this
// one, after the lines of a shell script.
func newTestnet(t *testing.T, nodes int, lines string) local.Config {
	t.Helper()
	dir := hometest.Dir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cell := filepath.Join(dir, "cell") // the name makes it one
	if err := os.Symlink(self, cell); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >> %s/pids\n%s\nexec %s \"$@\"\n", dir, lines, cell)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := local.Config{Dir: filepath.Join(dir, "t"), Cell: program, Nodes: nodes}
	t.Cleanup(func() {
		if err := endTestnet(cfg.Dir); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

// nothingLeft says what is left of a testnet: files or processes, of which there were some.
func nothingLeft(t *testing.T, cfg local.Config) {
	t.Helper()
	if _, err := os.Stat(cfg.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", cfg.Dir, err)
	}
	pids, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.Dir), "pids"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Fields(string(pids)) {
		var pid int
		fmt.Sscan(text, &pid)
		if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("process %d is left: %v", pid, err)
		}
	}
}

// Of a testnet whose last stem does not start, nothing is left, and one is told why.
func TestTestnetHalfUp(t *testing.T) {
	cfg := newTestnet(t, 3, `case $CELL_HOME in */node3) echo no bread in the house; exit 3;; esac`)
	_, err := local.Up(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(),
		"node3: its stem exited at startup: exit status 3\nno bread in the house") {
		t.Errorf("a stem that does not start: %v", err)
	}
	nothingLeft(t, cfg)
}

// Nor is anything of one that was called off.
func TestTestnetCalledOff(t *testing.T) {
	cfg := newTestnet(t, 2, `case $CELL_HOME in */node2) : > $CELL_HOME/../../reached; `+
		`exec sleep 300;; esac`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reached := filepath.Join(filepath.Dir(cfg.Dir), "reached")
	done := make(chan error, 1)
	go func() {
		_, err := local.Up(ctx, cfg)
		done <- err
	}()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := os.Stat(reached); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the second stem is not started")
		}
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	nothingLeft(t, cfg)
}

// Only stems of the testnet's homes are ended, whatever their files say, and the cells there.
func TestTestnetDownEndsItsOwn(t *testing.T) {
	cfg := newTestnet(t, 2, "")
	n, err := local.Up(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	stranger := exec.Command("sleep", "300")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()
	first, last := n.Nodes[0], n.Nodes[1]
	cell := germinate(t, last, "echo")
	if err := first.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Ask(t.Context()); !errors.Is(err, stemclient.ErrNoStem) {
		t.Fatalf("a stem that was killed: %v", err)
	}
	// The number of the process that was killed may be anyone's now.
	if err := os.WriteFile(first.Home.StemLock(), fmt.Appendf(nil, "%d", stranger.Process.Pid),
		0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ended, err := syscall.Wait4(stranger.Process.Pid, nil, syscall.WNOHANG, nil); ended != 0 {
		t.Errorf("a process that has nothing to do with it was ended: %v", err)
	}
	if !process.Ended(cell.PID) {
		t.Errorf("the cell %s is left, as process %d", cell.Name, cell.PID)
	}
	nothingLeft(t, cfg)
}

// germinate has a cell of a node grow.
func germinate(t *testing.T, node local.Node, cell string) process.Cell {
	t.Helper()
	answer, err := stemclient.Ask(t.Context(), node.Home,
		wire.Request{Verb: wire.Germinate, Object: cell})
	if err != nil {
		t.Fatal(err)
	}
	answer.Conn.Close()
	cells := process.List(node.Home)
	if len(cells) != 1 || cells[0].PID == 0 {
		t.Fatalf("there run %v", cells)
	}
	return cells[0]
}

// All stems but the first begin with it.
func TestTestnetIsOneMesh(t *testing.T) {
	n, err := local.Up(t.Context(), newTestnet(t, 2, ""))
	if err != nil {
		t.Fatal(err)
	}
	states, err := n.States(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := n.Nodes[1].Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if boots := s.Network.Bootstrap; s.Network.Mesh != local.Mesh || len(boots) != 1 ||
		boots[0].ID != states[0].ID {
		t.Errorf("node2 is in the mesh %s and begins with %v", s.Network.Mesh, boots)
	}
}

// A stem that was ended is started again where it was, and found.
func TestTestnetRestart(t *testing.T) {
	cfg := newTestnet(t, 2, "")
	n, err := local.Up(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	before, err := n.States(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Nodes[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context(), n.Nodes[1]); err != nil {
		t.Fatal(err)
	}
	after, err := n.States(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after[1].PID == before[1].PID || fmt.Sprint(after[1].Addrs) != fmt.Sprint(before[1].Addrs) ||
		after[1].ID != before[1].ID {
		t.Errorf("restarted %+v, was %+v", after[1], before[1])
	}
	if _, err := local.Up(t.Context(), cfg); !errors.Is(err, local.ErrExists) {
		t.Errorf("a second testnet in its directory: %v", err)
	}
}

// Who interrupts a command is told what is left, in a line, and no more.
func TestTestnetInterrupted(t *testing.T) {
	cfg := newTestnet(t, 1, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct{ verb, want string }{
		{"up", "cell: error: interrupted: nothing is left of the testnet\n"},
		{"down", "cell: error: interrupted: parts of the testnet may be left\n" +
			"cell: hint: run the command again to remove the rest\n"},
	} {
		if c.verb == "down" {
			if _, err := local.Up(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
		}
		var said bytes.Buffer
		if code := run(ctx, []string{"testnet", c.verb, "--dir", cfg.Dir}, strings.NewReader(""),
			io.Discard, &said); code != 1 || said.String() != c.want {
			t.Errorf("%s: exit code %d, %q", c.verb, code, &said)
		}
	}
}
