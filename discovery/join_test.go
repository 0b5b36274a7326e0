package discovery

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// A member whose bootstrap peer is gone for good comes back through others that it met.
func TestRejoinThroughCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "addresses.json")
	boot := newMember(t, newHost(t))
	second := newMember(t, newHost(t), boot)
	knows(t, boot.dht, second.host.ID())
	life := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	knows(t, life.dht, second.host.ID())
	connected(t, life, second.host.ID())
	life.stop()
	boot.stop()

	again := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	target := newMember(t, newHost(t), second)
	if addrs, err := again.find(t, target.host.ID()); err != nil || !slices.ContainsFunc(addrs, target.host.Addrs()[0].Equal) {
		t.Errorf("found %v, %v", addrs, err)
	}
	again.stop()

	if err := os.WriteFile(file, []byte(`{"peers":{"`), 0o600); err != nil {
		t.Fatal(err)
	}
	lost := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	if _, err := lost.find(t, target.host.ID()); err == nil || !strings.Contains(err.Error(), "has no peers yet") {
		t.Errorf("without a cache: %v", err)
	}
}

// connected waits until the member has a connection to a peer that it made itself.
func connected(t *testing.T, m *member, id peer.ID) {
	t.Helper()
	made := make(chan struct{}, 1)
	look := func(_ network.Network, conn network.Conn) {
		if conn.RemotePeer() == id && lasting(conn) {
			signal(made)
		}
	}
	watch := &network.NotifyBundle{ConnectedF: look}
	m.host.Network().Notify(watch)
	defer m.host.Network().StopNotify(watch)
	for _, conn := range m.host.Network().ConnsToPeer(id) {
		look(nil, conn)
	}
	select {
	case <-made:
	case <-time.After(testWait):
		t.Fatalf("no connection to %s", id)
	}
}

// A mesh whose members have all gone is one without peers, and not one in which nobody knows the target.
func TestMeshThatIsGone(t *testing.T) {
	boot := newMember(t, newHost(t))
	left := newMember(t, newHost(t), boot)
	knows(t, left.dht, boot.host.ID())
	boot.stop()
	if _, err := left.find(t, newID(t)); err == nil || !strings.Contains(err.Error(), "has no peers yet") {
		t.Errorf("got %v", err)
	}
}

// The public mesh can be joined where there is no DNS.
func TestPublicBootstrapWithoutDNS(t *testing.T) {
	boots, err := parseBootstrap(mesh{public}, nil, newID(t))
	if err != nil {
		t.Fatal(err)
	}
	byIP := func(addr ma.Multiaddr) bool {
		first := addr[0].Protocol().Code
		return first == ma.P_IP4 || first == ma.P_IP6
	}
	for _, b := range boots {
		byName := slices.ContainsFunc(b.Addrs, func(a ma.Multiaddr) bool { return !byIP(a) }) // which is looked up first
		if slices.ContainsFunc(b.Addrs, byIP) && !byName {
			return
		}
	}
	t.Errorf("nobody has just an IP address: %v", boots)
}
