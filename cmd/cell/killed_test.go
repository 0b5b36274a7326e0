package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// A caller that is killed takes its call along, though the cell neither says a word nor
// minds that its input has ended: the stem of the caller ends it at once, and where the
// transport tells (QUIC), so does the cell's.
func TestCallerIsKilled(t *testing.T) {
	dir := hometest.Dir(t)
	far, near := localtest.Up(t, filepath.Join(dir, "b")), localtest.Up(t, filepath.Join(dir, "a"))
	check(t, putDNA(far.Home, "source", "source"))
	localtest.Run(t, far, "trust", near.ID, "--cells", "source")
	for calls, transport := range []string{"quic-v1", "tcp"} {
		cmd := cellCommand(t.Context(), near.Home, "connect", "source@"+far.Addr(transport))
		stdin, err := cmd.StdinPipe()
		check(t, err)
		stdout, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		fmt.Fprintln(stdin, 5)
		if _, err := io.ReadFull(stdout, make([]byte, 5)); err != nil {
			t.Errorf("over %s: %v", transport, err)
		}
		check(t, cmd.Process.Kill())
		cmd.Wait()
		awaitCalls(t, near, calls+1)
		if transport == "quic-v1" {
			awaitCalls(t, far, 1)
		}
	}
}

// awaitCalls waits until a stem has recorded so many calls, which it does when they are
// over: each in order.
func awaitCalls(t *testing.T, m *local.Stem, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	follow := cellCommand(ctx, m.Home, "calls", "--follow")
	out, err := follow.StdoutPipe()
	check(t, err)
	check(t, follow.Start())
	lines := bufio.NewReader(out)
	for n := range want {
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "source") ||
			!strings.HasSuffix(line, "orderly\n") {
			t.Errorf("call %d of %d: %q, %v", n+1, want, line, err)
		}
	}
	follow.Process.Kill()
	follow.Wait()
}
