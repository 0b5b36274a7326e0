// Package links has sockets and ports of this machine lead to cells, so that programs
// which know nothing of cells reach them: curl --unix-socket, psql, docker, git.
//
//	run/db@laptop.sock    a link: the cell db of the peer laptop
//	127.0.0.1:5432        a forward: wherever it is said to lead
//
// Both last as long as those who serve them, or are kept in links.toml, a line each, and
// then served as long as the line is there:
//
//	"run/db@laptop.sock" = "db@laptop"
//	"127.0.0.1:5432" = "db@laptop"
//
// What a connection is to the cell, and whether it may reach it, is not decided here:
// that is for the call that the owner of the Links makes of it.
package links

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// Call makes a call of a connection, and returns when it has ended. It owns the stream;
// an abort of it is what a refusal looks like on the other side. An error is why the call
// was refused.
type Call func(ctx context.Context, stream pipe.Stream, to address.Address) error

// Links are those of one home that are served.
type Links struct {
	home home.Home
	call Call
	log  *slog.Logger

	mu       sync.Mutex
	served   map[Listen]*link
	problems []error // of the file, and of what it says
	failed   bool    // something that is kept could not be served
	closed   chan struct{}
	serving  sync.WaitGroup
}

// New makes the Links of a home, which the caller has to itself.
func New(h home.Home, call Call, log *slog.Logger) *Links {
	return &Links{home: h, call: call, log: log, served: map[Listen]*link{},
		closed: make(chan struct{})}
}

// maxLinks bounds what is served; who wants so many is no person.
const maxLinks = 256

// errNone is what Remove fails with when nothing is served there.
var errNone = errors.New("nothing is linked or forwarded there")

// Add serves a link until it is removed, or all are closed; its calls have until ctx
// ends. It returns where programs find it, once they do. What is served already is left
// as it is.
func (l *Links) Add(ctx context.Context, at Listen, to address.Address) (Listen, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.served[at]; was != nil && was.to == to {
		return at, nil
	} else if was != nil {
		return at, fmt.Errorf("%s leads to %s already: unlink it first", at, plain(was.to))
	}
	return l.add(ctx, at, to, false)
}

func (l *Links) add(ctx context.Context, at Listen, to address.Address, kept bool) (Listen, error) {
	if l.isClosed() {
		return at, errors.New("the stem is closing")
	}
	if len(l.served) >= maxLinks {
		return at, fmt.Errorf("%d links and forwards are too many: unlink one", len(l.served))
	}
	if err := check(l.home, at, to); err != nil {
		return at, err
	}
	link, err := listen(l.home, at, to)
	if err != nil {
		return at, err
	}
	link.kept = kept
	l.served[link.at] = link
	ctx, link.cut = context.WithCancelCause(ctx)
	l.serving.Go(func() {
		defer link.cut(nil)
		link.serve(ctx, l.call)
	})
	return link.at, nil
}

// Remove ends what is served there, and cuts its calls.
func (l *Links) Remove(at Listen) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.served[at] == nil {
		return fmt.Errorf("%s: %w", at, errNone)
	}
	l.remove(at, "it was unlinked")
	return nil
}

func (l *Links) remove(at Listen, why string) {
	l.served[at].close(errors.New(why))
	delete(l.served, at)
}

// Reread serves what the file holds now, and ends what it held and does not hold any
// more. A file that can't be understood at all leaves everything as it is. ctx is as in
// Add.
func (l *Links) Reread(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.problems
	kept, problems, err := Read(l.home)
	if l.problems, l.failed = problems, false; err != nil {
		l.problems = []error{err}
	} else {
		l.serveKept(ctx, kept)
	}
	for _, problem := range l.problems {
		if !slices.ContainsFunc(before, func(old error) bool { return old.Error() == problem.Error() }) {
			l.log.Warn("a link can't be served", "err", problem)
		}
	}
}

func (l *Links) serveKept(ctx context.Context, kept []Kept) {
	lines := map[Listen]address.Address{}
	for _, k := range kept {
		lines[k.Listen] = k.To
	}
	for at, link := range maps.Clone(l.served) {
		to, ok := lines[at]
		if ok && to == link.to {
			link.kept = true
		} else if ok || link.kept {
			l.remove(at, "links.toml was changed")
		}
	}
	for _, k := range kept {
		if l.served[k.Listen] != nil {
			continue
		}
		if _, err := l.add(ctx, k.Listen, k.To, true); err != nil {
			l.failed = true
			l.problems = append(l.problems, textfile.At(l.home.Links(), k.key, err))
		}
	}
}

// Close ends all links. Their calls may go on until their context ends.
func (l *Links) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed() {
		return
	}
	close(l.closed)
	for _, link := range l.served {
		link.listener.Close()
	}
}

func (l *Links) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// Status is one link or forward, for its owner to see.
type Status struct {
	Listen Listen
	To     address.Address // without its key
	// Kept says whether the next stem will serve it, too.
	Kept bool
	// Calls are under way.
	Calls int
	// Refused is how many calls were refused, and Last when and why the last of them was.
	Refused int
	Last    time.Time
	Reason  string
}

// List returns what is served, in order.
func (l *Links) List() (list []Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, link := range l.served {
		list = append(list, link.status())
	}
	slices.SortFunc(list, func(a, b Status) int {
		return strings.Compare(a.Listen.text, b.Listen.text)
	})
	return list
}

// hasFailed says whether something that is kept is worth another try.
func (l *Links) hasFailed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Problems returns what is wrong with the file, and what of it can't be served.
func (l *Links) Problems() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.problems)
}

// sweep removes the sockets of links that a killed stem has left behind.
func (l *Links) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	// errs only on a bad pattern
	paths, _ := filepath.Glob(filepath.Join(l.home.RunDir(), "*@*.sock"))
	for _, path := range paths {
		if alive, err := socket.Alive(path); err == nil && !alive {
			os.Remove(path)
		}
	}
}

// plain leaves out the key.
func plain(to address.Address) address.Address {
	to.Key = ""
	return to
}
