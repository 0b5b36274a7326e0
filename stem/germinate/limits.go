package germinate

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
	"github.com/cell-mesh/cell/stem/gate"
)

// Starts for other machines are limited, per machine and in total, so that a crowd cannot make
// this one fork without end. Starts for this machine's user are not limited.
const (
	peerStarts, peerStartsEvery = 16, time.Second / 2
	allStarts, allStartsEvery   = 64, time.Second / 8
	maxPeersKept                = 1024
)

// A cell that fails repeatedly is started after pauses, which double from the second failure
// on. A crash soon after a good start counts as a failure. A cell that lived longer, or whose
// dna changed, starts from zero.
const (
	soon       = 2 * time.Second
	firstPause = 200 * time.Millisecond
	maxPause   = 30 * time.Second
)

// limits decides how often processes are started.
type limits struct {
	mu       sync.Mutex
	all      *rate.Limiter
	peers    map[address.ID]*rate.Limiter
	failures map[address.Name]failure
}

// failure is what is known of a cell's last starts.
type failure struct {
	times    int
	notUntil time.Time
	dna      os.FileInfo
	reason   string
	started  time.Time // when the last start succeeded; zero if it failed
	ended    <-chan syscall.WaitStatus
}

func newLimits() *limits {
	return &limits{
		all:      rate.NewLimiter(rate.Every(allStartsEvery), allStarts),
		peers:    map[address.ID]*rate.Limiter{},
		failures: map[address.Name]failure{},
	}
}

// allow counts a start for the caller, or refuses it.
func (l *limits) allow(caller gate.Caller) error {
	if !l.allows(caller) {
		return wire.Refusal{Code: wire.Busy, Reason: "too many starts at once"}
	}
	return nil
}

func (l *limits) allows(caller gate.Caller) bool {
	if caller.Local() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all.Tokens() < 1 {
		return false // before the caller is added: a crowd must not fill the map
	}
	peer, known := l.peers[caller.Peer]
	if !known {
		if len(l.peers) >= maxPeersKept {
			l.forgetIdle() // removes most, since all together made few starts lately
		}
		peer = rate.NewLimiter(rate.Every(peerStartsEvery), peerStarts)
		l.peers[caller.Peer] = peer
	}
	return peer.Allow() && l.all.Allow()
}

// forgetIdle drops the limiters that are full: a new one would be the same.
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
	last, known := l.failures[cell]
	if !known {
		return nil
	}
	ran := !last.started.IsZero()
	if changed(last.dna, dna) || ran && (time.Since(last.started) > soon || !crashed(last.ended)) {
		delete(l.failures, cell)
		return nil
	}
	if ran {
		last = last.again("it crashed as soon as it had started", dna)
		l.failures[cell] = last
	}
	if wait := time.Until(last.notUntil); wait > 0 {
		return wire.Refusal{Code: wire.Failed, Reason: fmt.Sprintf(
			"%s failed %d times in a row and is not started for another %v; the last failure: %s",
			cell, last.times, wait.Round(100*time.Millisecond), last.reason)}
	}
	return nil
}

// launched keeps the channel on which the exit status of a started cell will arrive.
func (l *limits) launched(cell address.Name, ended <-chan syscall.WaitStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.failures[cell]
	last.ended = ended
	l.failures[cell] = last
}

// crashed reports whether a process ended by its own fault: with a status other than 0, or by
// a signal that nobody sends on purpose.
func crashed(ended <-chan syscall.WaitStatus) bool {
	select {
	case status := <-ended:
		if status.Signaled() {
			return !slices.Contains([]syscall.Signal{syscall.SIGKILL, syscall.SIGTERM,
				syscall.SIGINT}, status.Signal())
		}
		return status.Exited() && status.ExitStatus() != 0
	default:
		return false
	}
}

// started records the result of a start.
func (l *limits) started(cell address.Name, dna string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.failures[cell]
	if err != nil {
		last = last.again(err.Error(), dna)
	} else {
		last.started = time.Now()
		last.dna, _ = os.Stat(dna)
	}
	l.failures[cell] = last
}

// again counts one more failure.
func (f failure) again(reason, dna string) failure {
	f.times++
	f.reason, f.started = reason, time.Time{}
	f.dna, _ = os.Stat(dna)
	if f.times > 1 {
		f.notUntil = time.Now().Add(min(firstPause<<min(f.times-2, 8), maxPause))
	}
	return f
}

// changed reports whether another file is at the path now, or a newer version.
func changed(was os.FileInfo, path string) bool {
	now, err := os.Stat(path)
	return err != nil || was == nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime())
}
