package stem

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/time/rate"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/wire"
)

// Starts that other machines ask for are bounded, each machine's and all together, so
// that a crowd can't make this one fork without end. The user's own are not.
const (
	peerStarts, peerStartsEvery = 16, time.Second / 2
	allStarts, allStartsEvery   = 64, time.Second / 8
	maxPeersKept                = 1024
)

// A cell that fails again and again is started after pauses that double from the second
// failure on. One that has lived for a while, or whose dna has changed, begins anew. To
// crash soon after a good start is a failure, too.
const (
	soon      = 2 * time.Second
	firstWait = 200 * time.Millisecond
	lastWait  = 30 * time.Second
)

// limits bounds how often processes are started.
type limits struct {
	mu       sync.Mutex
	all      *rate.Limiter
	peers    map[address.ID]*rate.Limiter
	failures map[address.Name]failure
}

type failure struct {
	times    int
	notUntil time.Time
	dna      os.FileInfo
	reason   string
	born     time.Time // of the last start, if that was a good one
	ended    <-chan syscall.WaitStatus
}

func newLimits() *limits {
	return &limits{
		all:      rate.NewLimiter(rate.Every(allStartsEvery), allStarts),
		peers:    map[address.ID]*rate.Limiter{},
		failures: map[address.Name]failure{},
	}
}

// allow refuses a caller that may not have a process started now, and counts it if it may.
func (l *limits) allow(caller Caller) error {
	if !l.allows(caller) {
		return wire.Refusal{Code: wire.Busy, Reason: "too many starts at once"}
	}
	return nil
}

func (l *limits) allows(caller Caller) bool {
	if caller.local() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all.Tokens() < 1 {
		return false // and nobody is remembered for it, or a crowd would fill the map
	}
	peer, known := l.peers[caller.peer]
	if !known {
		if len(l.peers) >= maxPeersKept {
			l.forgetIdle() // most are: all of them together have had few starts of late
		}
		peer = rate.NewLimiter(rate.Every(peerStartsEvery), peerStarts)
		l.peers[caller.peer] = peer
	}
	return peer.Allow() && l.all.Allow()
}

// forgetIdle drops the peers whose limit has recovered in full: a new one would be the same.
func (l *limits) forgetIdle() {
	for id, peer := range l.peers {
		if peer.Tokens() >= peerStarts {
			delete(l.peers, id)
		}
	}
}

// mayStart refuses a cell that failed more than once and whose pause is not over.
func (l *limits) mayStart(cell address.Name, dna string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, failed := l.failures[cell]
	if !failed {
		return nil
	}
	lived := !last.born.IsZero() && time.Since(last.born) > soon
	if lived || changed(last.dna, dna) {
		delete(l.failures, cell)
		return nil
	}
	// somebody has ended it, or it had nothing more to do
	if !last.born.IsZero() && !crashed(last.ended) {
		delete(l.failures, cell)
		return nil
	}
	if !last.born.IsZero() {
		last = last.again("it crashed as soon as it had started", dna)
		l.failures[cell] = last
	}
	if wait := time.Until(last.notUntil); wait > 0 {
		return wire.Refusal{Code: wire.Failed,
			Reason: fmt.Sprintf("%s has failed %d times in a row and is left alone for %v more; the last time, %s",
				cell, last.times, wait.Round(100*time.Millisecond), last.reason)}
	}
	return nil
}

// grown remembers where the end of a cell that was started will be told.
func (l *limits) grown(cell address.Name, ended <-chan syscall.WaitStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.failures[cell]
	last.ended = ended
	l.failures[cell] = last
}

// crashed says whether a process has ended by its own fault, as far as is known: not in
// order, and not because it was told to.
func crashed(ended <-chan syscall.WaitStatus) bool {
	select {
	case status := <-ended:
		switch {
		case status.Exited():
			return status.ExitStatus() != 0
		case status.Signaled():
			return !slices.Contains([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM,
				syscall.SIGINT}, status.Signal())
		}
	default:
	}
	return false
}

// started counts how a start went.
func (l *limits) started(cell address.Name, dna string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.failures[cell]
	if err != nil {
		last = last.again(err.Error(), dna)
	} else {
		last.born = time.Now()
		last.dna, _ = os.Stat(dna)
	}
	l.failures[cell] = last
}

// again counts one more failure.
func (f failure) again(reason, dna string) failure {
	f.times++
	f.reason, f.born = reason, time.Time{}
	f.dna, _ = os.Stat(dna)
	if f.times > 1 {
		wait := lastWait
		if doublings := f.times - 2; doublings < 8 {
			wait = min(firstWait<<doublings, lastWait)
		}
		f.notUntil = time.Now().Add(wait)
	}
	return f
}

// changed says whether the file is another than it was.
func changed(was os.FileInfo, path string) bool {
	now, err := os.Stat(path)
	return err != nil || was == nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime())
}
