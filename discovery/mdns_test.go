package discovery

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func newTestLAN() *lan { return newLAN(nil, "", nil, slog.New(slog.DiscardHandler)) }

// What others announce of a peer never replaces what the peer announces itself, however
// much and often they do.
func TestAnnouncementsOfOthers(t *testing.T) {
	l, id := newTestLAN(), newID(t)
	truth := ma.StringCast("/ip4/192.168.1.2/udp/4433/quic-v1")
	l.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{truth}})
	for i := range maxAnnouncements - 1 {
		var lies []ma.Multiaddr
		for j := range 100 {
			lies = append(lies, ma.StringCast(fmt.Sprintf("/ip4/192.168.%d.%d/udp/4433/quic-v1",
				2+i, j)))
		}
		for range 2 {
			l.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: lies})
		}
	}
	addrs := l.neighbours[id].addrs()
	if !ma.Contains(addrs, truth) || len(addrs) != maxNeighbourAddrs {
		t.Errorf("got %d addresses without %v", len(addrs), truth)
	}
	for range 2 * maxNeighbours {
		l.HandlePeerFound(peer.AddrInfo{ID: newID(t), Addrs: []ma.Multiaddr{truth}})
	}
	if len(l.neighbours) != maxNeighbours {
		t.Errorf("%d peers are remembered", len(l.neighbours))
	}
}

// During the first search a peer is waited for; after it, not.
func TestFirstBrowse(t *testing.T) {
	l := newTestLAN()
	browsed := 0
	l.browsed = func() { browsed++ }
	id, addr := newID(t), ma.StringCast("/ip4/192.0.2.1/udp/4433/quic-v1")
	found := make(chan []ma.Multiaddr, 1)
	done := make(chan error, 1)
	go func() {
		done <- l.find(context.Background(), id, func(addrs []ma.Multiaddr) { found <- addrs })
	}()
	l.HandlePeerFound(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{addr}})
	if err := <-done; err != nil || len(<-found) != 1 {
		t.Errorf("got %v", err)
	}
	l.endFirstBrowse()
	l.endFirstBrowse()
	if browsed != 1 {
		t.Errorf("the first search has ended %d times", browsed)
	}
	if err := l.find(context.Background(), newID(t), nil); err == nil {
		t.Error("found a peer that was never announced")
	}
	for range 2 * maxNeighbours {
		l.HandlePeerFound(peer.AddrInfo{ID: newID(t)})
	}
	if len(l.neighbours) > maxNeighbours {
		t.Errorf("%d peers are remembered", len(l.neighbours))
	}
}
