package sdk_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/socket/sockettest"
)

// start is the command that runs a cell by hand.
func (l language) start(t *testing.T, home, kind, name string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, l.cells[0],
		append(l.cells[1:len(l.cells):len(l.cells)], kind, "--name", name)...)
	cmd.Env = append(os.Environ(), "CELL_HOME="+home)
	return cmd
}

// listen runs a cell by hand, and returns once it listens.
func (l language) listen(t *testing.T, home, kind, name string) *exec.Cmd {
	t.Helper()
	cmd := l.start(t, home, kind, name)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "listening\n" {
		t.Fatalf("%s does not listen as %s: %q, %v", l.name, name, line, err)
	}
	return cmd
}

// fakeStem stands in for the daemon, to say what a real one seldom says.
func fakeStem(t *testing.T, home string, answer func(conn net.Conn, request string)) {
	t.Helper()
	sockettest.Listen(t, filepath.Join(home, "stem.sock"), func(conn net.Conn) {
		answer(conn, sockettest.Line(conn))
	})
}

// waitFor returns what a file holds, once it is there.
func waitFor(t *testing.T, path string) string {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text)
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func lock(t *testing.T, path string) *socket.Lock {
	t.Helper()
	held, err := socket.TryLock(path)
	check(t, err)
	return held
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	check(t, err)
	check(t, os.WriteFile(to, text, 0o700))
}
