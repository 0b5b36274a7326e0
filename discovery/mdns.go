package discovery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// firstLook is how long the local network gets to answer after we began to look: a
	// peer that starts at the same moment spends a second on making sure that its name is
	// unique.
	firstLook = 2500 * time.Millisecond
	// nearWait is how long a lookup waits for the first look to end, if the mesh does not
	// know the peer.
	nearWait = 1500 * time.Millisecond
	// maxNear, maxSaid and maxSaidAddrs bound what a noisy or hostile network can make us
	// remember: peers, announcements of each, and addresses in each.
	maxNear      = 256
	maxSaid      = 16
	maxSaidAddrs = 16
	// maxNearAddrs bounds how many addresses of a peer are worth a dial.
	maxNearAddrs = 32
)

// near is what mDNS sees in the local network. Being seen is no reason to connect:
// addresses are kept until somebody asks for the peer, because mDNS reports each peer
// only about once an hour.
type near struct {
	finder    *Finder
	service   func(host.Host, string, mdns.Notifee) mdns.Service
	sighted   func(peer.AddrInfo) // may be nil
	newcomers chan peer.AddrInfo  // through whom an empty mesh may be joined
	again     chan struct{}       // holds a token when our addresses have changed

	mu    sync.Mutex
	peers map[peer.ID]sighting
	// closed and replaced with each sighting, and with the end of the first look
	changed chan struct{}
	looked  bool // the first look is over
}

// sighting is what was announced of a peer, each thing once, the newest first. Anybody
// may announce anything of anyone, so the last word does not count for more than the
// others: who is there is for the handshake to tell.
type sighting struct {
	said [][]ma.Multiaddr
	at   time.Time // of the newest
}

func newNear(f *Finder, service func(host.Host, string, mdns.Notifee) mdns.Service) *near {
	return &near{
		finder:    f,
		service:   service,
		newcomers: make(chan peer.AddrInfo, 4),
		again:     make(chan struct{}, 1),
		peers:     map[peer.ID]sighting{},
		changed:   make(chan struct{}),
	}
}

// run announces us and listens until ctx ends. A machine that has no network yet may get
// one later. What is announced, and on which interfaces, is settled when a service
// starts: for other addresses there is another one.
func (n *near) run(ctx context.Context) {
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		service := n.service(n.finder.host, n.finder.mesh.service(), n)
		err := service.Start()
		if err == nil {
			n.look(ctx)
			service.Close()
			pause = minPause
			continue
		}
		service.Close()
		n.finder.log.Warn("local network is not searched", "retry", pause, "err", err)
		n.endLook()
		select {
		case <-time.After(pause):
		case <-n.again:
			pause = minPause
		case <-ctx.Done():
			return
		}
	}
}

// look ends with ctx, or when our addresses change. A private mesh of which we know
// nobody is joined through whom we see; to others we connect only when asked.
func (n *near) look(ctx context.Context) {
	first := time.NewTimer(firstLook)
	defer first.Stop()
	for {
		select {
		case <-ctx.Done():
			n.endLook()
			return
		case <-n.again:
			return
		case <-first.C:
			n.endLook()
		case info := <-n.newcomers:
			if n.finder.isAlone() {
				if err := n.finder.meet(ctx, info); err != nil {
					n.finder.log.Debug("neighbour does not let us join", "peer", info.ID, "err",
						err)
				}
			}
		}
	}
}

// endLook lets go those who wait for the first look.
func (n *near) endLook() {
	n.mu.Lock()
	ended := !n.looked
	n.looked = true
	n.announce()
	n.mu.Unlock()
	if ended {
		n.finder.boots.attempted()
	}
}

// announce wakes those who wait for news; n.mu is held.
func (n *near) announce() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// HandlePeerFound is called by mDNS, in a goroutine of its own.
func (n *near) HandlePeerFound(info peer.AddrInfo) {
	n.mu.Lock()
	if _, known := n.peers[info.ID]; !known && len(n.peers) >= maxNear {
		delete(n.peers, n.oldest())
	}
	n.peers[info.ID] = n.peers[info.ID].add(info.Addrs)
	n.announce()
	n.mu.Unlock()
	if n.sighted != nil {
		n.sighted(info)
	}
	select {
	case n.newcomers <- info:
	default: // a few are enough to join through
	}
}

func (s sighting) add(addrs []ma.Multiaddr) sighting {
	addrs = addrs[:min(len(addrs), maxSaidAddrs)]
	said := slices.DeleteFunc(slices.Clone(s.said), func(old []ma.Multiaddr) bool {
		return slices.EqualFunc(old, addrs, ma.Multiaddr.Equal)
	})
	said = append([][]ma.Multiaddr{addrs}, said...)
	return sighting{said[:min(len(said), maxSaid)], time.Now()}
}

// addrs takes the first of each announcement, then the second, and so on: a long one does
// not crowd out the others.
func (s sighting) addrs() (all []ma.Multiaddr) {
	for i := range maxSaidAddrs {
		for _, addrs := range s.said {
			if i < len(addrs) && !ma.Contains(all, addrs[i]) && len(all) < maxNearAddrs {
				all = append(all, addrs[i])
			}
		}
	}
	return all
}

func (n *near) oldest() peer.ID {
	var oldest peer.ID
	for id, s := range n.peers {
		if oldest == "" || s.at.Before(n.peers[oldest].at) {
			oldest = id
		}
	}
	return oldest
}

// when says when the peer was last seen.
func (n *near) when(id peer.ID) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[id].at
}

// count is how many have been seen.
func (n *near) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.peers)
}

// find answers from what was seen; during the first look it waits for more.
func (n *near) find(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	deadline := time.After(joinWait) // in case nobody looks: Run was not called
	for {
		n.mu.Lock()
		seen, ok := n.peers[id]
		changed, looked := n.changed, n.looked
		n.mu.Unlock()
		if ok {
			found(seen.addrs())
			return nil
		}
		if looked || ctx.Err() != nil {
			return fmt.Errorf("no one in the local network answers to it (mDNS)")
		}
		select {
		case <-changed:
		case <-deadline:
			return fmt.Errorf("no one in the local network has answered to it so far (mDNS)")
		case <-ctx.Done():
		}
	}
}
