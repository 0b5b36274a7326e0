package discovery

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// What others announce of a peer does not take the place of what it announces itself,
// however much and often they say.
func TestNearRemembersAll(t *testing.T) {
	n := newNear(&Finder{}, nil)
	id := newID(t)
	truth := ma.StringCast("/ip4/192.168.1.2/udp/4433/quic-v1")
	n.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{truth}})
	for i := range maxSaid - 1 {
		var lies []ma.Multiaddr
		for j := range 100 {
			lies = append(lies, ma.StringCast(fmt.Sprintf("/ip4/192.168.%d.%d/udp/4433/quic-v1",
				2+i, j)))
		}
		for range 2 {
			n.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: lies})
		}
	}
	addrs := n.peers[id].addrs()
	if !ma.Contains(addrs, truth) || len(addrs) != maxNearAddrs {
		t.Errorf("of %d addresses none is %v", len(addrs), truth)
	}
	for range 2 * maxNear {
		n.HandlePeerFound(peer.AddrInfo{ID: newID(t), Addrs: []ma.Multiaddr{truth}})
	}
	if len(n.peers) != maxNear {
		t.Errorf("%d peers are remembered", len(n.peers))
	}
}
