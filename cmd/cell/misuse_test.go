package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// What the command line alone is to blame for exits with 2, says so on a line of its own
// with the remedy behind it, prints nothing to stdout, and leaves no stem behind.
func TestMisuse(t *testing.T) {
	h := hometest.New(t)
	t.Setenv("CELL_HOME", h.String())
	id := "12D3KooWJ2DfbBPXu9poRZoEi8gjspd8zwHmNi5HroxfeaiuCadb"
	for _, line := range []string{
		"up --mesh=", "up --mesh=a_b", "up --mesh=none --bootstrap=x",
		"up --mesh=test --bootstrap=x", "up --port=-1", "up --port=70000",
		"up --relay=all", "up --listen=localhost", "up --mesh", "up x",
		"connect", "connect @", "connect a b", "link a", "link a@b@c", "forward", "forward 5432",
		"forward 99999 a@b", "unlink", "unlink =",
		"ping a,b", "ping x -c 0", "find a,b", "ls x", "ls @a,b", "calls -n -1", "logs A", "stop",
		"stop A", "stop a B", "down", "hide A", "expose a b", "expose A 127.0.0.1:1",
		"run", "run a --", "run A -- true", "run a --mode=x -- true", "run a --idle=-1s -- true",
		"run a --mode=fd --idle=1s -- true",
		"trust a,b", "trust " + id + " --as=a,b", "trust " + id +
			" --cells=A", "untrust", "rename a",
		"invite --cells=A", "invite --uses=0", "invite --expires=0s", "invite --as=a,b", "join x",
		"share A", "share a --expires=0s",
		"share --revoke=5", "forget x", "key import", "key x", "help x", "help key x",
		"completion x", "man", "new A", "new a --lang=perl", "build a b",
		"bench --only=x", "bench --bridges=-1", "bench --idle=-1s", "testnet x", "testnet up -n 0",
		"testnet exec node1",
		"testnet run x", "testnet run lan --nat=x", "testnet run lan --churn=-1",
		"testnet run lan --join=x", "testnet run lan --nodes=-1",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // whatever would run ends at once
		var stdout, stderr bytes.Buffer
		code := run(ctx, strings.Fields(line), strings.NewReader(""), &stdout, &stderr)
		said := strings.SplitAfter(stderr.String(), "\n")
		if code != 2 || len(said) != 3 || !strings.HasPrefix(said[0], "cell: error: ") ||
			!strings.HasPrefix(said[1], "cell: hint: ") || stdout.Len() > 0 {
			t.Errorf("cell %s: exit code %d, and said\n%s%s", line, code, stdout.String(),
				stderr.String())
		}
	}
	if _, err := os.Stat(filepath.Join(h.String(), "stem.sock")); err == nil {
		t.Error("a stem was here")
	}
}
