package node

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// TestMDNS runs TestHelperMDNS in a network namespace of its own, so that nothing is said
// to the network we are in.
func TestMDNS(t *testing.T) {
	t.Parallel()
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		t.Skipf("can't make a network namespace: unshare: %v", err)
	}
	for name, setting := range map[string]string{
		"with IPv6":    "true",
		"without IPv6": "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 || true",
		// below the minimum of IPv6, so that nobody can join its multicast groups there
		"with an MTU of 1200": "ip link set wire mtu 1200",
	} {
		setup := `set -e
			ip link set lo up
			ip link add wire type veth peer name far
			ip link set far up
			` + setting + `
			ip link set wire up multicast on
			ip addr add 10.99.0.1/24 dev wire
			exec "$0" -test.run='^TestHelperMDNS$' -test.v`
		child := exec.Command("unshare", "--net", "sh", "-c", setup, os.Args[0])
		child.Env = append(os.Environ(), "CELL_TEST_MDNS=1")
		out, err := child.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestHelperMDNS")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		t.Logf("%s", out)
	}
}

// TestHelperMDNS is two nodes that have nothing but mDNS.
func TestHelperMDNS(t *testing.T) {
	if os.Getenv("CELL_TEST_MDNS") == "" {
		t.Skip("runs as a child of TestMDNS")
	}
	wire := []netip.Addr{netip.MustParseAddr("10.99.0.1")}
	a := runNode(t, Config{Listen: wire, Mesh: "none", Identity: testIdentity(t)})
	b := runNode(t, Config{Listen: wire, Mesh: "none", Identity: testIdentity(t)})
	came := accept(t, b)
	began := time.Now()
	s, err := a.Open(nettest.Context(t), b.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	t.Logf("open took %v", time.Since(began))
	fmt.Fprint(s, "hello")
	expect(t, nettest.Receive(t, came), "hello")
}
