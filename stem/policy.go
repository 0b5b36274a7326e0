package stem

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/internal/dna"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/knownplaces"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/textfile"
)

// files is the Policy that a home's text files are: peers/, dna/, invites/ and
// revoked.toml. A bad file is reported and grants nothing; it takes no other down.
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

// Reread keeps the rules that are in force if a folder can't be read at all; that is not
// the same as an empty one.
func (f *files) Reread() {
	f.mu.Lock()
	defer f.mu.Unlock()
	rules := f.read()
	for _, problem := range rules.Problems {
		f.log.Warn("a file was left out", "err", problem)
	}
	old := f.rules.Load()
	if i := slices.IndexFunc(rules.Problems, isUnreadable); i >= 0 && old != nil {
		kept := *old
		kept.Problems = rules.Problems
		rules = &kept
	}
	f.rules.Store(rules)
}

func isUnreadable(problem error) bool { return errors.Is(problem, textfile.ErrUnreadable) }

// read makes rules of what is written down now.
func (f *files) read() *Rules {
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
	if _, err := knownplaces.List(f.home); err != nil {
		problems = append(problems, err) // no rule, but the calls to places fail
	}
	rules.Problems = problems
	return rules
}

// settle gathers changes that come together: a file is read again that long after its first change.
const settle = 50 * time.Millisecond

// Run rereads the files when they change, until ctx ends.
func (f *files) Run(ctx context.Context) error {
	dirs := []string{f.home.String(), f.home.PeersDir(), f.home.DNADir(), f.home.InvitesDir()}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		defer watcher.Close()
		err = watchAll(watcher, dirs)
	}
	if err != nil {
		f.log.Warn("no file system events: edits by hand are seen at the next start", "err", err)
		<-ctx.Done()
		return nil
	}
	f.Reread() // what changed before we watched
	var due <-chan time.Time
	for {
		select {
		case event := <-watcher.Events:
			if event.Op == fsnotify.Chmod || !f.concerns(event.Name, dirs) {
				continue
			}
			if event.Has(fsnotify.Create) && slices.Contains(dirs, event.Name) {
				// a folder that was moved away is there again; if this fails, it will be
				// read all the same
				watcher.Add(event.Name)
			}
		case <-watcher.Errors: // events were lost
		case <-due:
			due = nil
			f.Reread()
			continue
		case <-ctx.Done():
			return nil
		}
		if due == nil {
			due = time.After(settle)
		}
	}
}

// concerns says whether a change of this path may change the rules. In the home itself
// there is much else.
func (f *files) concerns(path string, dirs []string) bool {
	return filepath.Dir(path) != f.home.String() || path == f.home.Revoked() ||
		path == f.home.Places() || slices.Contains(dirs, path)
}

func watchAll(watcher *fsnotify.Watcher, dirs []string) error {
	for _, dir := range dirs {
		if err := watcher.Add(dir); err != nil {
			return err
		}
	}
	return nil
}
