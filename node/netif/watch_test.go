package netif

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWatch runs TestHelperWatch in a network namespace of its own, where it can change
// the interfaces.
func TestWatch(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		t.Skipf("cannot make a network namespace: unshare: %v", err)
	}
	child := exec.Command("unshare", "--net", "sh", "-c", `set -e
		ip link add wire type veth peer name far
		ip link set far up
		ip link set wire up
		exec "$0" -test.run='^TestHelperWatch$' -test.v`, os.Args[0])
	child.Env = append(os.Environ(), "CELL_TEST_WATCH=1")
	out, err := child.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestHelperWatch")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestHelperWatch gives an interface an address, unplugs it, and plugs it in.
func TestHelperWatch(t *testing.T) {
	if os.Getenv("CELL_TEST_WATCH") == "" {
		t.Skip("runs as a child of TestWatch")
	}
	ctx, cancel := context.WithCancel(nettest.Context(t))
	changed, ended := make(chan bool, 1), make(chan error, 1)
	w, err := newWatcher()
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- w.run(ctx, func() { changed <- true }) }()
	for _, change := range [][]string{
		{"addr", "add", "10.99.0.1/24", "dev", "wire"},
		{"link", "set", "wire", "down"},
		{"link", "set", "wire", "up"},
	} {
		if out, err := exec.Command("ip", change...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", change, err, out)
		}
		began := time.Now()
		nettest.Receive(t, changed)
		t.Logf("ip %v: noticed after %v", change, time.Since(began))
	}
	cancel()
	if err := nettest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}
