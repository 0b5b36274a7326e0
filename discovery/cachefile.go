package discovery

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// saveAfter collects changes, so that a busy hour is not an hour of writing.
const saveAfter = 5 * time.Second

// cacheFile is the JSON in the file.
type cacheFile struct {
	Peers map[string][]cacheLine `json:"peers"`
	Seen  map[string]time.Time   `json:"seen"`
}

type cacheLine struct {
	Addr string    `json:"addr"`
	At   time.Time `json:"at"`
}

func loadCache(path string, log *slog.Logger) *cache {
	c := newCache(path, log)
	if path == "" {
		return c
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = c.parse(data, time.Now())
	}
	if err != nil {
		log.Debug("cache is empty", "file", path, "err", err)
	}
	return c
}

// parse adds what the file says, apart from entries that it can't read.
func (c *cache) parse(data []byte, now time.Time) error {
	var file cacheFile
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for text, lines := range file.Peers {
		id, err := peer.Decode(text)
		if err != nil {
			continue
		}
		for _, line := range lines {
			if addr, err := ma.NewMultiaddr(line.Addr); err == nil {
				c.addAddr(id, cachedAddr{addr, plausible(line.At, now)})
			}
		}
	}
	for text, at := range file.Seen {
		if id, err := peer.Decode(text); err == nil {
			c.addSeen(id, plausible(at, now))
		}
	}
	return nil
}

// plausible returns a time of the file, or now if it is later: then the clock was ahead
// when the file was written, and the entry would stay the newest until that time. JSON
// has no times before the year 0, which a time zone can lead to.
func plausible(at, now time.Time) time.Time {
	switch {
	case at.After(now):
		return now
	case at.Before(time.Unix(0, 0)):
		return time.Unix(0, 0)
	}
	return at
}

// run saves what changed, a little later, and once more at the end together with the
// connections that redialable returns.
func (c *cache) run(ctx context.Context, redialable func() []network.Conn) {
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
		for _, conn := range redialable() {
			c.worked(conn.RemotePeer(), conn.RemoteMultiaddr())
		}
		c.save()
		if ctx.Err() != nil {
			return
		}
	}
}

// save replaces the file. A failure only makes the next start slower.
func (c *cache) save() {
	data, err := c.format()
	if err == nil {
		err = replaceFile(c.path, data)
	}
	if err != nil {
		c.log.Debug("cache is not saved", "file", c.path, "err", err)
	}
}

// format returns the content of the file, after which nothing is left to save.
func (c *cache) format() ([]byte, error) {
	file := cacheFile{Peers: map[string][]cacheLine{}, Seen: map[string]time.Time{}}
	c.mu.Lock()
	for id, at := range c.seen {
		file.Seen[id.String()] = at.UTC().Truncate(time.Second)
	}
	for id, list := range c.peers {
		for _, known := range list {
			file.Peers[id.String()] = append(file.Peers[id.String()],
				cacheLine{known.Addr.String(), known.At.UTC().Truncate(time.Second)})
		}
	}
	select {
	case <-c.dirty:
	default:
	}
	c.mu.Unlock()
	data, err := json.MarshalIndent(file, "", "\t")
	return append(data, '\n'), err
}

// replaceFile writes a file so that a reader sees the old content or the new one.
func replaceFile(path string, data []byte) error {
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
