package discovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newID(t *testing.T) peer.ID {
	t.Helper()
	_, key, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestParseMesh(t *testing.T) {
	for name, want := range map[string]mesh{
		"":                      {public},
		"public":                {public},
		"none":                  {none},
		"lab":                   {"lab"},
		"a-1":                   {"a-1"},
		strings.Repeat("m", 32): {strings.Repeat("m", 32)},
	} {
		if got, err := parseMesh(name); err != nil || got != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"Lab", "a b", "a/b", "a.b", "é", "a\n", strings.Repeat("m", 33)} {
		if _, err := parseMesh(name); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestMeshesAreApart compares the names by which meshes know their own: none may be
// another's, or end in it, since mDNS compares ends.
func TestMeshesAreApart(t *testing.T) {
	names := []string{"public", "lab", "lab-2", "x-lab", "cell", "x-cell", strings.Repeat("m", 32)}
	for _, a := range names {
		for _, b := range names {
			one, other := mesh{a}, mesh{b}
			if a != b && (one.prefix() == other.prefix() ||
				strings.HasSuffix(one.service(), other.service())) {
				t.Errorf("%s and %s share a name", a, b)
			}
		}
		if label, _, _ := strings.Cut(mesh{a}.service(), "."); len(label) > 63 {
			t.Errorf("%s: label has %d bytes", a, len(label))
		}
	}
}

func TestBootstrapIsGrouped(t *testing.T) {
	self, other := newID(t), newID(t)
	infos, err := parseBootstrap(mesh{"lab"}, []string{
		fmt.Sprint("/ip4/192.0.2.1/tcp/4433/p2p/", other),
		fmt.Sprint("/ip4/192.0.2.1/tcp/4433/p2p/", self),
		fmt.Sprint("/ip4/192.0.2.1/udp/4433/quic-v1/p2p/", other),
	}, self)
	if err != nil || len(infos) != 1 || infos[0].ID != other || len(infos[0].Addrs) != 2 {
		t.Errorf("got %v, %v", infos, err)
	}
	if infos, err := parseBootstrap(mesh{public}, nil, self); err != nil || len(infos) == 0 {
		t.Errorf("public mesh: %v, %v", infos, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := loadCache("", slog.New(slog.DiscardHandler))
	addr := func(i int) ma.Multiaddr {
		return ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1))
	}
	first := newID(t)
	for i := range 2 * maxCachedAddrs {
		c.put(first, addr(i))
	}
	got := c.get(first)
	if len(got) != maxCachedAddrs || !got[0].Equal(addr(2*maxCachedAddrs-1)) {
		t.Errorf("kept %v", got)
	}
	for i := range maxCached {
		c.put(newID(t), addr(i))
	}
	if len(c.peers) != maxCached || c.get(first) != nil {
		t.Errorf("%d peers, and of the oldest %v", len(c.peers), c.get(first))
	}
}

func TestCacheIsSaved(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	path := filepath.Join(t.TempDir(), "peers.json")
	id, addr := newID(t), ma.StringCast("/ip4/192.0.2.1/udp/4433/quic-v1")
	nobody := func() []network.Conn { return nil }

	ctx, cancel := context.WithCancel(context.Background())
	c := loadCache(path, log)
	c.put(id, addr)
	cancel()
	c.run(ctx, nobody)

	again := loadCache(path, log)
	if got := again.get(id); len(got) != 1 || !got[0].Equal(addr) {
		t.Errorf("got %v", got)
	}
	if latest := again.latest(9); len(latest) != 1 || latest[0].ID != id {
		t.Errorf("latest: %v", latest)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again.run(ctx, nobody)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("saved differently: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestNearWaits asks for a peer that is seen a moment later, and for one that never is.
func TestNearWaits(t *testing.T) {
	n := newNear(&Finder{boots: newBoots(nil, nil, true)}, nil)
	id, addr := newID(t), ma.StringCast("/ip4/192.0.2.1/udp/4433/quic-v1")
	asked := make(chan []ma.Multiaddr, 1)
	done := make(chan error, 1)
	go func() {
		done <- n.find(context.Background(), id, func(addrs []ma.Multiaddr) { asked <- addrs })
	}()
	n.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{addr}})
	if err := <-done; err != nil || len(<-asked) != 1 {
		t.Errorf("got %v", err)
	}
	n.endLook()
	if err := n.find(context.Background(), newID(t), nil); err == nil {
		t.Error("found a peer that nobody has seen")
	}
	for range 2 * maxNear {
		n.HandlePeerFound(peer.AddrInfo{ID: newID(t)})
	}
	if len(n.peers) > maxNear {
		t.Errorf("remembers %d", len(n.peers))
	}
}
