package scenario

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// lateness measures how long after its time a timer fires on this machine. In virtual time
// that is 0.
type lateness struct {
	mu   sync.Mutex
	lags []time.Duration // since the last reset
}

const (
	// lagEvery is the time between two measurements.
	lagEvery = 50 * time.Millisecond
	// onTime is a lag that does not change any figure.
	onTime = 20 * time.Millisecond
	// recent is how many measurements back ready looks, and maxBehind how long it waits.
	recent    = 5
	maxBehind = 2 * time.Second
	// maxSettling is how long settle waits per node. Joining leaves work behind:
	// connections that nobody uses are closed after half a minute.
	maxSettling = 200 * time.Millisecond
)

// watch measures until ctx ends.
func (l *lateness) watch(ctx context.Context) {
	for {
		due := time.Now().Add(lagEvery)
		if pause(ctx, lagEvery) != nil {
			return
		}
		l.mu.Lock()
		l.lags = append(l.lags, max(0, time.Since(due)))
		l.mu.Unlock()
	}
}

func (l *lateness) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lags = nil
}

// worst returns the 99th percentile.
func (l *lateness) worst() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lags) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.lags))
	return sorted[len(sorted)*99/100]
}

// ready waits until this machine has been on time for a moment. Other nodes take lateness
// for silence and try again, which makes even more work.
func (l *lateness) ready(ctx context.Context) error {
	for began := time.Now(); l.behind() && time.Since(began) < maxBehind; {
		if err := pause(ctx, lagEvery); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *lateness) behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lags[max(0, len(l.lags)-recent):], func(lag time.Duration) bool {
		return lag > onTime
	})
}

// settle waits until this machine has been on time and mostly idle for a second, or it has
// waited long enough. In virtual time a machine always is.
func (l *lateness) settle(ctx context.Context, nodes int) error {
	for began := time.Now(); time.Since(began) < time.Duration(nodes)*maxSettling; {
		l.reset()
		before := cpuTime()
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		busy := cpuTime()-before > time.Duration(runtime.GOMAXPROCS(0))*time.Second/2
		if worst := l.worst(); worst == 0 || worst < onTime && !busy {
			break
		}
	}
	l.reset()
	return nil
}
