package discovery

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	maxCached      = 1024 // peers
	maxCachedAddrs = 8    // of one peer
	// saveAfter collects changes, so that a busy hour is not an hour of writing.
	saveAfter = 5 * time.Second
	// putAgain is how long an address that worked is no news if it works again.
	putAgain = time.Minute
)

// cache remembers addresses that worked. It may be deleted at any time: a file that is
// missing or damaged is an empty one.
type cache struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	peers map[peer.ID][]contact // newest first
	seen  map[peer.ID]time.Time // when a peer was there, in whatever way it was reached
	dirty chan struct{}         // holds a token when there is something to save
}

// contact is an address and when it last worked.
type contact struct {
	Addr ma.Multiaddr
	At   time.Time
}

// cacheFile is what lies on the disk.
type cacheFile struct {
	Peers map[string][]cacheLine `json:"peers"`
	Seen  map[string]time.Time   `json:"seen"`
}

type cacheLine struct {
	Addr string    `json:"addr"`
	At   time.Time `json:"at"`
}

func loadCache(path string, log *slog.Logger) *cache {
	c := &cache{path: path, log: log, peers: map[peer.ID][]contact{}, seen: map[peer.ID]time.Time{},
		dirty: make(chan struct{}, 1)}
	if path == "" {
		return c
	}
	var file cacheFile
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil {
		log.Debug("cache is empty", "file", path, "err", err)
		return c
	}
	now := time.Now()
	// one to come was written when the clock was ahead, and would be the newest until
	// then
	past := func(at time.Time) time.Time {
		if at.After(now) {
			return now
		}
		return at
	}
	for text, lines := range file.Peers {
		id, err := peer.Decode(text)
		if err != nil {
			continue
		}
		for _, line := range lines {
			if addr, err := ma.NewMultiaddr(line.Addr); err == nil {
				c.add(id, contact{addr, past(line.At)})
			}
		}
	}
	for text, at := range file.Seen {
		if id, err := peer.Decode(text); err == nil {
			c.note(id, past(at))
		}
	}
	return c
}

// put notes that an address of a peer worked just now, unless that is no news.
func (c *cache) put(id peer.ID, addr ma.Multiaddr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.peers[id], func(old contact) bool {
		return old.Addr.Equal(addr) &&
			time.Since(old.At) < putAgain
	}) {
		return
	}
	c.add(id, contact{addr, time.Now()})
	signal(c.dirty)
}

// add keeps the newest maxCachedAddrs of the peer and the newest maxCached peers.
func (c *cache) add(id peer.ID, at contact) {
	list := slices.DeleteFunc(c.peers[id], func(old contact) bool {
		return old.Addr.Equal(at.Addr)
	})
	list = append(list, at)
	slices.SortStableFunc(list, func(a, b contact) int { return b.At.Compare(a.At) })
	c.peers[id] = list[:min(len(list), maxCachedAddrs)]
	if len(c.peers) <= maxCached {
		return
	}
	oldest := id
	for other, list := range c.peers {
		if list[0].At.Before(c.peers[oldest][0].At) {
			oldest = other
		}
	}
	delete(c.peers, oldest)
}

func (c *cache) get(id peer.ID) []ma.Multiaddr { return addresses(c.contacts(id)) }

// contacts are a peer's addresses, the newest first.
func (c *cache) contacts(id peer.ID) []contact {
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
		infos = append(infos, peer.AddrInfo{ID: id, Addrs: addresses(list)})
	}
	slices.SortFunc(infos, func(a, b peer.AddrInfo) int {
		return cmp.Or(c.peers[b.ID][0].At.Compare(c.peers[a.ID][0].At), cmp.Compare(a.ID, b.ID))
	})
	return infos[:min(n, len(infos))]
}

func addresses(list []contact) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, c := range list {
		addrs = append(addrs, c.Addr)
	}
	return addrs
}

// run saves what changed, a little later, and once more at the end, with what contacts adds.
func (c *cache) run(ctx context.Context, contacts func() []network.Conn) {
	if c.path == "" {
		return
	}
	for {
		select {
		case <-c.dirty:
		case <-ctx.Done():
		}
		select {
		case <-time.After(saveAfter):
		case <-ctx.Done():
		}
		for _, conn := range contacts() {
			c.put(conn.RemotePeer(), conn.RemoteMultiaddr())
		}
		c.save()
		if ctx.Err() != nil {
			return
		}
	}
}

// save replaces the file in one step. Not being able to is no error of anybody's: the
// next start is slower.
func (c *cache) save() {
	file := cacheFile{Peers: map[string][]cacheLine{}, Seen: map[string]time.Time{}}
	c.mu.Lock()
	for id, at := range c.seen {
		file.Seen[id.String()] = at.UTC().Truncate(time.Second)
	}
	for id, list := range c.peers {
		for _, at := range list {
			file.Peers[id.String()] = append(file.Peers[id.String()],
				cacheLine{at.Addr.String(), at.At.UTC().Truncate(time.Second)})
		}
	}
	select { // what contacts added is in the file
	case <-c.dirty:
	default:
	}
	c.mu.Unlock()
	data, err := json.MarshalIndent(file, "", "\t")
	if err == nil {
		err = replace(c.path, append(data, '\n'))
	}
	if err != nil {
		c.log.Debug("cache is not saved", "file", c.path, "err", err)
	}
}

// replace writes a file so that a reader sees the old one or the new one.
func replace(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".cache-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
