// Package policy makes the gate's rules from the text files of a home: peers/, dna/, invites/
// and revoked.toml.
//
//	files := policy.New(home, id, log)
//	go files.Run(ctx)
//	rules := files.Rules()
//
// An edit by hand is in force soon after it was saved; a command that edits a file calls Reread
// to have it in force at once. A bad file is reported and grants nothing, and the other files
// stay in force. Package gate decides by the rules.
package policy

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
	"github.com/cell-mesh/cell/stem/gate"
)

// Files are the rules of one home.
type Files struct {
	home  home.Home
	self  address.ID
	log   *slog.Logger
	mu    sync.Mutex // one Reread at a time, so that the last one wins
	rules atomic.Pointer[gate.Rules]
}

// New reads the rules of a home. self is this machine, which signs its keys.
func New(h home.Home, self address.ID, log *slog.Logger) *Files {
	f := &Files{home: h, self: self, log: log}
	f.Reread()
	return f
}

// Rules returns the rules in force, without waiting.
func (f *Files) Rules() *gate.Rules { return f.rules.Load() }

// Reread puts the rules in force that the files hold now. If a folder is unreadable, which is
// not the same as empty, the old rules stay in force.
func (f *Files) Reread() {
	f.mu.Lock()
	defer f.mu.Unlock()
	rules := f.read()
	for _, problem := range rules.Problems {
		f.log.Warn("bad file ignored", "err", problem)
	}
	old := f.rules.Load()
	if old != nil && slices.ContainsFunc(rules.Problems, isUnreadable) {
		kept := *old
		kept.Problems = rules.Problems
		rules = &kept
	}
	f.rules.Store(rules)
}

func isUnreadable(problem error) bool { return errors.Is(problem, textfile.ErrUnreadable) }

func (f *Files) read() *gate.Rules {
	rules := &gate.Rules{
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
		problems = append(problems, err) // not a rule, but calls to places fail
	}
	rules.Problems = problems
	return rules
}

// settle is how long Run waits after a change, so that changes made together cause one Reread.
const settle = 50 * time.Millisecond

// Run rereads the files when they change, until ctx ends.
func (f *Files) Run(ctx context.Context) error {
	dirs := []string{f.home.String(), f.home.PeersDir(), f.home.DNADir(), f.home.InvitesDir()}
	watcher, err := watch(dirs)
	if err != nil {
		f.log.Warn("no file system events: edits by hand need a restart", "err", err)
		<-ctx.Done()
		return nil
	}
	defer watcher.Close()
	f.Reread() // files may have changed before the watch
	var due <-chan time.Time
	for {
		select {
		case event := <-watcher.Events:
			if event.Op == fsnotify.Chmod || !f.concerns(event.Name, dirs) {
				continue
			}
			if event.Has(fsnotify.Create) && slices.Contains(dirs, event.Name) {
				// A folder was moved away and back. Without the watch it is still reread now.
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

// concerns reports whether a change of the path may change the rules. The home itself holds
// much else.
func (f *Files) concerns(path string, dirs []string) bool {
	return filepath.Dir(path) != f.home.String() || path == f.home.Revoked() ||
		path == f.home.Places() || slices.Contains(dirs, path)
}

func watch(dirs []string) (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if err := watcher.Add(dir); err != nil {
			watcher.Close()
			return nil, err
		}
	}
	return watcher, nil
}
