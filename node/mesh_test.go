package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"

	"github.com/cell-mesh/cell/node/internal/nettest"
)

// TestMeshByID is the promise that a peer ID alone is enough: A and C know B, and nothing
// of each other. A asks at once, before it has reached B.
func TestMeshByID(t *testing.T) {
	b := startNode(t, Config{Mesh: "lab"})
	through := []string{b.Addrs()[0]}
	c := startNode(t, Config{Mesh: "lab", Bootstrap: through})
	came := accept(t, c)
	a := startNode(t, Config{Mesh: "lab", Bootstrap: through})

	began := time.Now()
	s, err := a.Open(nettest.Context(t), c.ID())
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Fprint(s, "hello")
	expect(t, nettest.Receive(t, came), "hello")
	if t.Logf("open took %v", took); took > 2*time.Second {
		t.Error("that is too long")
	}
	if status := a.Status(); status.DHT.Mode != "server" || status.DHT.Peers == 0 ||
		len(status.Bootstrap) != 1 || !status.Bootstrap[0].Connected {
		t.Errorf("status: %+v", status)
	}
}

func TestUnknownPeer(t *testing.T) {
	b := startNode(t, Config{Mesh: "lab"})
	a := startNode(t, Config{Mesh: "lab", Bootstrap: []string{b.Addrs()[0]}})
	nobody := testIdentity(t).ID()
	began := time.Now()
	_, err := a.Open(nettest.Context(t), nobody)
	if err == nil || !strings.Contains(err.Error(), `no one in mesh "lab" knows it`) ||
		!strings.Contains(err.Error(), nobody.String()) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestDeadBootstrap(t *testing.T) {
	startNode(t, Config{}) // has the default port, so that nobody below takes over that of the dead
	dead := startNode(t, Config{Mesh: "lab"})
	through := at(t, dead, "tcp").String()
	dead.Close()
	a := startNode(t, Config{Mesh: "lab", Bootstrap: []string{through,
		"/ip4/127.0.0.1/tcp/1/p2p/" + testIdentity(t).ID().String()}})
	_, err := a.Open(nettest.Context(t), testIdentity(t).ID())
	if err == nil || !strings.Contains(err.Error(), `mesh "lab" has no peers yet: bootstrap `) ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	t.Log(err)
	status := a.Status()
	if len(status.Bootstrap) != 2 || status.Bootstrap[0].Connected ||
		status.Bootstrap[0].Error == "" {
		t.Errorf("status: %+v", status.Bootstrap)
	}
}

// TestWrongMesh bootstraps from a peer that is in another mesh.
func TestWrongMesh(t *testing.T) {
	b := startNode(t, Config{Mesh: "office"})
	a := startNode(t, Config{Mesh: "lab", Bootstrap: []string{b.Addrs()[0]}})
	_, err := a.Open(nettest.Context(t), testIdentity(t).ID())
	if err == nil || !strings.Contains(err.Error(), b.ID().String()+` is not in mesh "lab"`) {
		t.Errorf("got %v", err)
	}
}

// TestBootstrapComesLater starts the bootstrap peer after those who need it.
func TestBootstrapComesLater(t *testing.T) {
	startNode(t, Config{}) // has the default port, so that a does not take over that of b
	identity := testIdentity(t)
	b := startNode(t, Config{Identity: identity, Mesh: "lab"})
	port, through := portOf(b), at(t, b, "tcp").String()
	b.Close()
	a := startNode(t, Config{Mesh: "lab", Bootstrap: []string{through}})
	if _, err := a.Open(nettest.Context(t), testIdentity(t).ID()); err == nil {
		t.Fatal("reached nobody")
	}
	startNode(t, Config{Identity: identity, Mesh: "lab", Port: port})
	c := startNode(t, Config{Mesh: "lab", Bootstrap: []string{through}})
	accept(t, c)
	// A call does not wait until the pause is over.
	s, err := a.Open(nettest.Context(t), c.ID())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// TestCachedPeer reaches a peer whose address is remembered from an earlier life, with a
// dead mesh, and without any.
func TestCachedPeer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "peers.json")
	target := startNode(t, Config{})
	accept(t, target)

	first := startNode(t, Config{Cache: file})
	s, err := first.Open(nettest.Context(t), target.ID(), at(t, target, "quic-v1"))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	first.Close() // waits for Run, which saves

	dead := "/ip4/127.0.0.1/tcp/1/p2p/" + testIdentity(t).ID().String()
	second := startNode(t, Config{Cache: file, Mesh: "lab", Bootstrap: []string{dead}})
	began := time.Now()
	s, err = second.Open(nettest.Context(t), target.ID())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	t.Logf("open took %v", time.Since(began))
}

func TestDamagedCache(t *testing.T) {
	for _, content := range []string{"", "{", "[]", `{"peers":{"x":[{"addr":"y"}]}}`, "\x00\xff"} {
		file := filepath.Join(t.TempDir(), "peers.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		startNode(t, Config{Cache: file})
	}
}

// TestManyOpens is a crowd that wants one peer it does not know the address of.
func TestManyOpens(t *testing.T) {
	b := startNode(t, Config{Mesh: "lab"})
	through := []string{b.Addrs()[0]}
	c := startNode(t, Config{Mesh: "lab", Bootstrap: through})
	accept(t, c)
	a := startNode(t, Config{Mesh: "lab", Bootstrap: through})
	ctx := nettest.Context(t)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			s, err := a.Open(ctx, c.ID())
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	group.Wait()
	all, out := 0, 0
	for _, p := range a.Status().Peers {
		if p.ID != c.ID().String() {
			continue
		}
		if all++; p.Direction == "out" {
			out++
		}
	}
	if all == 0 || out > 1 { // c may have dialled a, as a member of its DHT
		t.Errorf("%d connections, %d of them our own", all, out)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	n := startNode(t, Config{})
	other := testIdentity(t).ID().String()
	for _, c := range []struct{ at, want string }{
		{"", `nowhere to look: the mesh is "none" and mDNS is off`},
		{"/ip4/127.0.0.1/tcp", "place /ip4/127.0.0.1/tcp is not a valid multiaddr: "},
		{"/p2p/" + other, "names a peer but not where it is"},
		{"/ip4/127.0.0.1/tcp/1/p2p/" + other, "is said to be " + other},
		{"/ip4/127.0.0.1", "does not answer: /ip4/127.0.0.1: "},
		{"127.0.0.1:1", "does not answer: /ip4/127.0.0.1/"},
	} {
		var places []address.Place
		if c.at != "" {
			places = append(places, mustPlace(t, c.at))
		}
		_, err := n.Open(nettest.Context(t), testIdentity(t).ID(), places...)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", c.at, err)
		}
	}
	if _, err := n.Open(nettest.Context(t), n.ID()); err == nil ||
		!strings.Contains(err.Error(), "this machine itself") {
		t.Errorf("itself: %v", err)
	}
	if _, err := n.Open(nettest.Context(t), address.ID{}); err == nil {
		t.Error("opened a stream to nobody")
	}
}
