package discovery

import (
	"context"
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
	knows(t, second.dht, target.host.ID())
	if addrs, err := again.find(t, target.host.ID()); err != nil ||
		!slices.ContainsFunc(addrs, target.host.Addrs()[0].Equal) {
		t.Errorf("found %v, %v", addrs, err)
	}
	again.stop()

	if err := os.WriteFile(file, []byte(`{"peers":{"`), 0o600); err != nil {
		t.Fatal(err)
	}
	lost := newMemberWith(t, newHost(t), Config{Cache: file}, boot)
	if _, err := lost.find(t, target.host.ID()); err == nil ||
		!strings.Contains(err.Error(), "has no peers yet") {
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

// A mesh whose members have all gone is one without peers, and not one in which nobody
// knows the target.
func TestMeshThatIsGone(t *testing.T) {
	boot := newMember(t, newHost(t))
	left := newMember(t, newHost(t), boot)
	knows(t, left.dht, boot.host.ID())
	boot.stop()
	if _, err := left.find(t, newID(t)); err == nil ||
		!strings.Contains(err.Error(), "has no peers yet") {
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
	if !slices.ContainsFunc(boots, func(b peer.AddrInfo) bool {
		return slices.ContainsFunc(b.Addrs,
			byIP)
	}) {
		t.Errorf("nobody has an IP address: %v", boots)
	}
}

// A bootstrap peer is found behind a name that others share, and of another that there is
// no answer for, nobody waits for that.
func TestBootstrapBehindNames(t *testing.T) {
	boot := newMember(t, newHost(t))
	to := "/p2p/" + boot.host.ID().String()
	cfg := Config{
		Bootstrap: []string{"/dnsaddr/silent.example" + to, "/dnsaddr/mesh.example" + to},
		Resolve: func(ctx context.Context, name ma.Multiaddr) ([]ma.Multiaddr, error) {
			if strings.Contains(name.String(), "silent") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []ma.Multiaddr{
				ma.StringCast("/ip4/192.0.2.1/tcp/4433/p2p/" + newID(t).String()),
				ma.StringCast(boot.at + to),
			}, nil
		},
	}
	m := newMemberWith(t, newHost(t), cfg)
	connected(t, m, boot.host.ID())
	for _, addr := range m.host.Peerstore().Addrs(boot.host.ID()) {
		if strings.Contains(addr.String(), "192.0.2.1") {
			t.Errorf("%s is somebody else's", addr)
		}
	}
}
