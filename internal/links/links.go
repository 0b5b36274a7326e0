// Package links forwards local sockets and ports to cells, for programs that know nothing of
// cells: curl --unix-socket, psql, docker, git.
//
//	run/db@laptop.sock    a link: it leads to the cell db of the peer laptop
//	127.0.0.1:5432        a forward: it leads to any cell
//
// Both last as long as the stem, or are kept as lines of links.toml and then served as long as
// the line is there:
//
//	"run/db@laptop.sock" = "db@laptop"
//	"127.0.0.1:5432" = "db@laptop"
//
//	l := links.New(h, call, log)
//	go l.Run(ctx)
//	at, err := l.Add(ctx, links.Free, to)
//
// A dead socket is replaced, any other file is not. Only this machine's user can connect to a
// socket. Whether a connection may reach the cell is left to the Call.
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

// Call calls a cell for a connection and returns when the call has ended. It owns the stream,
// and aborts it if the call is refused. The error says why it was refused.
type Call func(ctx context.Context, stream pipe.Stream, to address.Address) error

// Links serves the links and forwards of one home.
type Links struct {
	home home.Home
	call Call
	log  *slog.Logger

	mu       sync.Mutex
	served   map[Listen]*listener
	problems []error // with the file and its lines
	failed   bool    // a line of the file could not be served
	closed   chan struct{}
	serving  sync.WaitGroup
}

// New returns the Links of a home, which only one process may serve.
func New(h home.Home, call Call, log *slog.Logger) *Links {
	return &Links{home: h, call: call, log: log, served: map[Listen]*listener{},
		closed: make(chan struct{})}
}

// maxLinks is more than a person needs.
const maxLinks = 256

var errNone = errors.New("nothing is linked or forwarded there")

// Add serves a link or forward until it is removed or the Links are closed. Its calls end with
// ctx at the latest. When it returns, programs can connect to the Listen that it returns. Adding
// what is served already changes nothing.
func (l *Links) Add(ctx context.Context, at Listen, to address.Address) (Listen, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.served[at]; was != nil && was.to == to {
		return at, nil
	} else if was != nil {
		return at, fmt.Errorf("%s already leads to %s: unlink it first", at, withoutKey(was.to))
	}
	return l.add(ctx, at, to, false)
}

func (l *Links) add(ctx context.Context, at Listen, to address.Address, kept bool) (Listen, error) {
	if l.isClosed() {
		return at, errors.New("the stem is closing")
	}
	if len(l.served) >= maxLinks {
		return at, fmt.Errorf("there are %d links and forwards, which is the limit: unlink one",
			len(l.served))
	}
	if err := check(l.home, at, to); err != nil {
		return at, err
	}
	one, err := listen(l.home, at, to)
	if err != nil {
		return at, err
	}
	one.kept = kept
	l.served[one.at] = one
	ctx, one.cut = context.WithCancelCause(ctx)
	l.serving.Go(func() {
		defer one.cut(nil)
		one.serve(ctx, l.call)
	})
	return one.at, nil
}

// Remove stops serving a link or forward and cuts its calls.
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

// Reread serves the lines that the file holds now and stops serving lines that are gone. If the
// file is unreadable, nothing changes. ctx is as in Add.
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
		if !slices.ContainsFunc(before, func(old error) bool {
			return old.Error() == problem.Error()
		}) {
			l.log.Warn("a link cannot be served", "err", problem)
		}
	}
}

func (l *Links) serveKept(ctx context.Context, kept []Kept) {
	lines := map[Listen]address.Address{}
	for _, k := range kept {
		lines[k.Listen] = k.To
	}
	for at, one := range maps.Clone(l.served) {
		to, ok := lines[at]
		if ok && to == one.to {
			one.kept = true
		} else if ok || one.kept {
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

// Close stops listening. Calls go on until their context ends.
func (l *Links) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isClosed() {
		return
	}
	close(l.closed)
	for _, one := range l.served {
		one.Close()
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

// Status describes a link or forward.
type Status struct {
	Listen Listen
	To     address.Address // without its key
	// Kept says whether the next stem will serve it too.
	Kept bool
	// Calls is the number of calls under way.
	Calls int
	// Refused is the number of refused calls. Last and Reason are the last one's time and cause.
	Refused int
	Last    time.Time
	Reason  string
}

// List returns all links and forwards, sorted.
func (l *Links) List() (list []Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.served {
		list = append(list, one.status())
	}
	slices.SortFunc(list, func(a, b Status) int {
		return strings.Compare(a.Listen.text, b.Listen.text)
	})
	return list
}

// hasFailed reports whether a line of the file is worth another try.
func (l *Links) hasFailed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Problems returns the errors of the file and of the lines that cannot be served.
func (l *Links) Problems() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.problems)
}

// sweep removes the sockets of links that a killed stem left behind.
func (l *Links) sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	// Glob fails only for a bad pattern.
	paths, _ := filepath.Glob(filepath.Join(l.home.RunDir(), "*@*.sock"))
	for _, path := range paths {
		if alive, err := socket.Alive(path); err == nil && !alive {
			os.Remove(path)
		}
	}
}

func withoutKey(to address.Address) address.Address {
	to.Key = ""
	return to
}
