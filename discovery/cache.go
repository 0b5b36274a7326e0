package discovery

import (
	"cmp"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	maxCached      = 1024 // peers
	maxCachedAddrs = 8    // of one peer
	// newsAfter is how long it is no news if the same address works, or the same peer
	// answers, once more.
	newsAfter = time.Minute
)

// cache remembers which addresses worked and when peers last answered. Its file may be
// deleted at any time; one that is missing or damaged counts as empty.
type cache struct {
	path  string
	log   *slog.Logger
	dirty chan struct{} // holds a token when there is something to save

	mu    sync.Mutex // guards what follows
	peers map[peer.ID][]cachedAddr
	seen  map[peer.ID]time.Time // when a peer last answered, at whatever address
}

// cachedAddr is an address and when it last worked.
type cachedAddr struct {
	Addr ma.Multiaddr
	At   time.Time
}

func newCache(path string, log *slog.Logger) *cache {
	return &cache{path: path, log: log, dirty: make(chan struct{}, 1),
		peers: map[peer.ID][]cachedAddr{}, seen: map[peer.ID]time.Time{}}
}

// worked notes that an address worked just now.
func (c *cache) worked(id peer.ID, addr ma.Multiaddr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.ContainsFunc(c.peers[id], func(old cachedAddr) bool {
		return old.Addr.Equal(addr) && time.Since(old.At) < newsAfter
	}) {
		c.addAddr(id, cachedAddr{addr, time.Now()})
		signal(c.dirty)
	}
}

// addAddr keeps the newest maxCachedAddrs of the peer, the newest first, and the newest
// maxCached peers; c.mu is held.
func (c *cache) addAddr(id peer.ID, added cachedAddr) {
	list := slices.DeleteFunc(c.peers[id], func(old cachedAddr) bool {
		return old.Addr.Equal(added.Addr)
	})
	list = append(list, added)
	slices.SortStableFunc(list, func(a, b cachedAddr) int { return b.At.Compare(a.At) })
	c.peers[id] = list[:min(len(list), maxCachedAddrs)]
	dropOldest(c.peers, func(list []cachedAddr) time.Time { return list[0].At })
}

// answered notes when the peer answered. That alone is saved once a minute.
func (c *cache) answered(id peer.ID, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.seen[id]
	if !at.After(last) {
		return
	}
	c.addSeen(id, at)
	if !at.Truncate(newsAfter).Equal(last.Truncate(newsAfter)) {
		signal(c.dirty)
	}
}

// addSeen keeps the newest maxCached peers; c.mu is held.
func (c *cache) addSeen(id peer.ID, at time.Time) {
	if at.After(c.seen[id]) {
		c.seen[id] = at
		dropOldest(c.seen, func(at time.Time) time.Time { return at })
	}
}

// dropOldest removes the oldest entry of a map that has more than maxCached.
func dropOldest[V any](entries map[peer.ID]V, at func(V) time.Time) {
	if len(entries) <= maxCached {
		return
	}
	var oldest peer.ID
	for id, entry := range entries {
		if oldest == "" || at(entry).Before(at(entries[oldest])) {
			oldest = id
		}
	}
	delete(entries, oldest)
}

// addrs returns a peer's addresses, the newest first.
func (c *cache) addrs(id peer.ID) []ma.Multiaddr { return addrsOf(c.entries(id)) }

// entries returns a peer's addresses with their times, the newest first.
func (c *cache) entries(id peer.ID) []cachedAddr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.peers[id])
}

// latest returns the n peers that were reached last.
func (c *cache) latest(n int) []peer.AddrInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	var infos []peer.AddrInfo
	for id, list := range c.peers {
		infos = append(infos, peer.AddrInfo{ID: id, Addrs: addrsOf(list)})
	}
	slices.SortFunc(infos, func(a, b peer.AddrInfo) int {
		return cmp.Or(c.peers[b.ID][0].At.Compare(c.peers[a.ID][0].At), cmp.Compare(a.ID, b.ID))
	})
	return infos[:min(n, len(infos))]
}

func addrsOf(list []cachedAddr) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, c := range list {
		addrs = append(addrs, c.Addr)
	}
	return addrs
}

// Reached notes that a connection leads to its peer: the address is remembered, and when
// the peer last answered, unless heard is zero or known already. It is cheap enough for
// every call.
//
// The address of a connection that the peer made is the one where it says that it listens
// at the IP address from which it came. That holds in a local network; elsewhere a NAT
// may be in between.
func (f *Finder) Reached(conn network.Conn, heard time.Time) {
	if !heard.IsZero() {
		f.cache.answered(conn.RemotePeer(), heard)
	}
	if isRedialable(conn) {
		f.cache.worked(conn.RemotePeer(), conn.RemoteMultiaddr())
		return
	}
	from, err := manet.ToIP(conn.RemoteMultiaddr())
	if err != nil || !manet.IsPrivateAddr(conn.RemoteMultiaddr()) ||
		isRelayed(conn.RemoteMultiaddr()) || f.noteListening(conn, from) {
		return
	}
	ids, ok := f.host.(interface{ IDService() identify.IDService })
	if !ok {
		return
	}
	f.tasks.Go(func() { // the peer may not have said yet where it listens
		select {
		case <-ids.IDService().IdentifyWait(conn):
			f.noteListening(conn, from)
		case <-f.tasks.Context().Done():
		}
	})
}

// noteListening remembers where the peer says that it listens at an IP address, and
// reports whether it does.
func (f *Finder) noteListening(conn network.Conn, from net.IP) (listens bool) {
	for _, addr := range f.host.Peerstore().Addrs(conn.RemotePeer()) {
		if at, err := manet.ToIP(addr); err == nil && at.Equal(from) && !isRelayed(addr) {
			f.cache.worked(conn.RemotePeer(), addr)
			listens = true
		}
	}
	return listens
}

// Seen notes when a peer answered to which there is no connection any more. Reached does
// so for one that is connected.
func (f *Finder) Seen(id peer.ID, at time.Time) { f.cache.answered(id, at) }

// LastSeen returns when the peer last answered, also to an earlier process with the same
// cache, and the zero Time if it never did.
func (f *Finder) LastSeen(id peer.ID) time.Time {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	return f.cache.seen[id]
}

// Remembered returns addresses at which the peer was reached before, the newest first.
func (f *Finder) Remembered(id peer.ID) []ma.Multiaddr { return f.cache.addrs(id) }

// isRedialable reports whether the address of a connection will work again: we dialled it
// ourselves, and not through a relay.
func isRedialable(conn network.Conn) bool {
	return conn.Stat().Direction == network.DirOutbound && !isRelayed(conn.RemoteMultiaddr())
}

// isRelayed reports whether an address leads through a relay.
func isRelayed(addr ma.Multiaddr) bool {
	_, err := addr.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}
