package stem

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
)

// files is the Policy that a home's peers/*.toml and dna/*.toml are. A bad file is reported and grants nothing;
// it takes no other down.
type files struct {
	home  home.Home
	log   *slog.Logger
	mu    sync.Mutex // one reading at a time, so that a later one is in force after an earlier one
	rules atomic.Pointer[Rules]
}

func newFiles(h home.Home, log *slog.Logger) *files {
	f := &files{home: h, log: log}
	f.Reread()
	return f
}

func (f *files) Rules() *Rules { return f.rules.Load() }

func (f *files) Reread() {
	f.mu.Lock()
	defer f.mu.Unlock()
	rules := &Rules{
		Grants:   map[address.ID]peers.Grant{},
		Public:   map[address.Name]bool{},
		Petnames: map[address.Petname]address.ID{},
	}
	all, bad := peers.ReadAll(f.home)
	for _, peer := range all {
		rules.Grants[peer.ID] = peer.Cells
		rules.Petnames[peer.Petname] = peer.ID
	}
	public, badDNA := dna.Public(f.home)
	for _, cell := range public {
		rules.Public[cell] = true
	}
	rules.Problems = append(bad, badDNA...)
	for _, problem := range rules.Problems {
		f.log.Warn("a file was left out", "err", problem)
	}
	f.rules.Store(rules)
}

// settle is how long the files must have been quiet before they are read again.
const settle = 50 * time.Millisecond

// Run rereads the files when they change, until ctx ends.
func (f *files) Run(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		for _, dir := range []string{f.home.PeersDir(), f.home.DNADir()} {
			if err = watcher.Add(dir); err != nil {
				break
			}
		}
	}
	if err != nil {
		f.log.Warn("no file system events: edits by hand are seen at the next start", "err", err)
		<-ctx.Done()
		return nil
	}
	f.Reread() // what changed before we watched
	var quiet <-chan time.Time
	for {
		select {
		case event := <-watcher.Events:
			if event.Op != fsnotify.Chmod {
				quiet = time.After(settle)
			}
		case <-watcher.Errors: // events were lost
			quiet = time.After(settle)
		case <-quiet:
			quiet = nil
			f.Reread()
		case <-ctx.Done():
			return nil
		}
	}
}
