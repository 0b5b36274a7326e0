package discovery

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cell-mesh/cell/discovery/mdns"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// browseWait is how long the local network has to answer after the start. A stem of an
	// older version that starts at the same moment takes a second before it answers.
	browseWait = 2500 * time.Millisecond
	// These bound what a noisy or hostile network can make us remember: peers,
	// announcements of each, and addresses in each.
	maxNeighbours    = 256
	maxAnnouncements = 16
	maxAnnounced     = 16
	// maxNeighbourAddrs bounds how many addresses of a peer are worth a dial.
	maxNeighbourAddrs = 32
)

// lan is what mDNS sees in the local network. It only keeps addresses until somebody asks
// for the peer: that a peer is near is no reason to connect.
type lan struct {
	host     host.Host
	service  string
	newMDNS  func(host.Host, string, mdns.Notifee) mdns.Service
	log      *slog.Logger
	sighted  func(peer.AddrInfo)                  // called with each announcement
	join     func(context.Context, peer.AddrInfo) // joins an empty mesh through a neighbour
	browsed  func()                               // called once, after the first search
	joinable chan peer.AddrInfo                   // neighbours to call join with
	restart  chan struct{}                        // holds a token when our addresses changed

	lanState
}

type lanState struct {
	mu         sync.Mutex // guards what follows
	neighbours map[peer.ID]neighbour
	changed    chan struct{} // closed and replaced on news, and after the first search
	isBrowsed  bool          // the first search is over
}

// neighbour is what was announced of a peer: each announcement once, the newest first.
// Anybody can announce anything of any peer, so the last one does not count for more than
// the others. Only the handshake tells who is there.
type neighbour struct {
	announced [][]ma.Multiaddr
	at        time.Time // of the newest
}

func newLAN(h host.Host, service string,
	newMDNS func(host.Host, string, mdns.Notifee) mdns.Service, log *slog.Logger) *lan {
	return &lan{
		host:     h,
		service:  service,
		newMDNS:  newMDNS,
		log:      log,
		sighted:  func(peer.AddrInfo) {},
		join:     func(context.Context, peer.AddrInfo) {},
		browsed:  func() {},
		joinable: make(chan peer.AddrInfo, 4),
		restart:  make(chan struct{}, 1),
		lanState: lanState{neighbours: map[peer.ID]neighbour{}, changed: make(chan struct{})},
	}
}

// run announces us and listens until ctx ends. It tries again if there is no network yet.
// A service keeps the addresses and interfaces that it started with, so a change of
// addresses needs a new one.
func (l *lan) run(ctx context.Context) {
	for pause := minPause; ctx.Err() == nil; pause = min(2*pause, maxPause) {
		service := l.newMDNS(l.host, l.service, l)
		err := service.Start()
		if err == nil {
			l.browse(ctx)
			service.Close()
			pause = minPause
			continue
		}
		service.Close()
		l.log.Warn("mDNS does not run", "retry", pause, "err", err)
		l.endFirstBrowse()
		select {
		case <-time.After(pause):
		case <-l.restart:
			pause = minPause
		case <-ctx.Done():
			return
		}
	}
}

// browse returns when ctx ends or our addresses change.
func (l *lan) browse(ctx context.Context) {
	first := time.NewTimer(browseWait)
	defer first.Stop()
	for {
		select {
		case <-ctx.Done():
			l.endFirstBrowse()
			return
		case <-l.restart:
			return
		case <-first.C:
			l.endFirstBrowse()
		case info := <-l.joinable:
			l.join(ctx, info)
		}
	}
}

// endFirstBrowse wakes those who wait for the first search.
func (l *lan) endFirstBrowse() {
	l.mu.Lock()
	ended := !l.isBrowsed
	l.isBrowsed = true
	l.notify()
	l.mu.Unlock()
	if ended {
		l.browsed()
	}
}

// notify wakes those who wait for news; l.mu is held.
func (l *lan) notify() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// HandlePeerFound is called by mDNS, in a goroutine of its own.
func (l *lan) HandlePeerFound(info peer.AddrInfo) {
	l.mu.Lock()
	if _, known := l.neighbours[info.ID]; !known && len(l.neighbours) >= maxNeighbours {
		delete(l.neighbours, l.oldest())
	}
	l.neighbours[info.ID] = l.neighbours[info.ID].add(info.Addrs)
	l.notify()
	l.mu.Unlock()
	l.sighted(info)
	select {
	case l.joinable <- info:
	default: // a few are enough to join through
	}
}

func (n neighbour) add(addrs []ma.Multiaddr) neighbour {
	addrs = addrs[:min(len(addrs), maxAnnounced)]
	others := slices.DeleteFunc(slices.Clone(n.announced), func(old []ma.Multiaddr) bool {
		return slices.EqualFunc(old, addrs, ma.Multiaddr.Equal)
	})
	announced := append([][]ma.Multiaddr{addrs}, others...)
	return neighbour{announced[:min(len(announced), maxAnnouncements)], time.Now()}
}

// addrs takes the first address of each announcement, then the second, and so on, so that
// a long announcement does not crowd out the others.
func (n neighbour) addrs() (all []ma.Multiaddr) {
	for i := range maxAnnounced {
		for _, addrs := range n.announced {
			if i < len(addrs) && !ma.Contains(all, addrs[i]) && len(all) < maxNeighbourAddrs {
				all = append(all, addrs[i])
			}
		}
	}
	return all
}

func (l *lan) oldest() peer.ID {
	var oldest peer.ID
	for id, n := range l.neighbours {
		if oldest == "" || n.at.Before(l.neighbours[oldest].at) {
			oldest = id
		}
	}
	return oldest
}

// lastSeen returns when the peer was last announced.
func (l *lan) lastSeen(id peer.ID) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.neighbours[id].at
}

func (l *lan) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.neighbours)
}

// find answers from what was announced. During the first search it waits for more.
func (l *lan) find(ctx context.Context, id peer.ID, found func([]ma.Multiaddr)) error {
	deadline := time.After(joinWait) // in case Run was not called
	for {
		l.mu.Lock()
		n, ok := l.neighbours[id]
		changed, isBrowsed := l.changed, l.isBrowsed
		l.mu.Unlock()
		if ok {
			found(n.addrs())
			return nil
		}
		if isBrowsed || ctx.Err() != nil {
			return errors.New("no one in the local network answers to it (mDNS)")
		}
		select {
		case <-changed:
		case <-deadline:
			return errors.New("no one in the local network has answered to it so far (mDNS)")
		case <-ctx.Done():
		}
	}
}
