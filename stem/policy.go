package stem

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
)

// files is the Policy that a home's text files are: peers/, dna/, invites/ and revoked.toml. A bad file is reported and grants nothing;
// it takes no other down.
type files struct {
	home  home.Home
	self  address.ID
	log   *slog.Logger
	mu    sync.Mutex // one reading at a time, so that a later one is in force after an earlier one
	rules atomic.Pointer[Rules]
}

func newFiles(h home.Home, self address.ID, log *slog.Logger) *files {
	f := &files{home: h, self: self, log: log}
	f.Reread()
	return f
}

func (f *files) Rules() *Rules { return f.rules.Load() }

func (f *files) Reread() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reread()
}

// reread is Reread for those who hold the lock.
func (f *files) reread() {
	rules := &Rules{
		Grants:   map[address.ID]peers.Grant{},
		Public:   map[address.Name]bool{},
		Petnames: map[address.Petname]address.ID{},
		At:       map[address.ID][]address.Place{},
		Self:     f.self,
		Revoked:  map[string]bool{},
		Invites:  map[string][]byte{},
	}
	all, problems := peers.ReadAll(f.home)
	for _, peer := range all {
		rules.Grants[peer.ID] = peer.Cells
		rules.Petnames[peer.Petname] = peer.ID
		rules.At[peer.ID] = peer.At
	}
	public, bad := dna.Public(f.home)
	problems = append(problems, bad...)
	for _, cell := range public {
		rules.Public[cell] = true
	}
	invites, bad := invite.ReadAll(f.home, time.Now())
	problems = append(problems, bad...)
	for _, i := range invites {
		rules.Invites[i.ID] = i.Secret
	}
	serials, err := capability.Revoked(f.home)
	if err != nil {
		problems = append(problems, err)
		rules.NoKeys = true
	}
	for _, serial := range serials {
		rules.Revoked[serial] = true
	}
	rules.Problems = problems
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
		for _, dir := range []string{f.home.PeersDir(), f.home.DNADir(), f.home.InvitesDir(), f.home.String()} {
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
			elsewhere := filepath.Dir(event.Name) == f.home.String() && event.Name != f.home.Revoked()
			if event.Op != fsnotify.Chmod && !elsewhere {
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
