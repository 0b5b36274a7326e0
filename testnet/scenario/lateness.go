package scenario

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// lateness watches how late this machine is: how long after its time a timer goes off. In
// virtual time that is never.
type lateness struct {
	mu   sync.Mutex
	lags []time.Duration // since forget
}

const (
	// lookEvery is between two looks at the clock.
	lookEvery = 50 * time.Millisecond
	// onTime is a lag that changes no figure.
	onTime = 20 * time.Millisecond
	// lately is how many looks ago it is still to be seen that the machine was late, and
	// maxBehind how long whoever has time waits for that to pass.
	lately    = 5
	maxBehind = 2 * time.Second
	// maxSettling is how long a run waits, for each node, for the machine to have done
	// what joining has left to do: connections that nobody uses end after half a minute.
	maxSettling = 200 * time.Millisecond
)

// watch goes on until ctx ends.
func (l *lateness) watch(ctx context.Context) {
	for {
		due := time.Now().Add(lookEvery)
		if pause(ctx, lookEvery) != nil {
			return
		}
		l.mu.Lock()
		l.lags = append(l.lags, max(0, time.Since(due)))
		l.mu.Unlock()
	}
}

func (l *lateness) forget() {
	l.mu.Lock()
	l.lags = nil
	l.mu.Unlock()
}

// worst is how late the latest timers in a hundred were.
func (l *lateness) worst() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lags) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.lags))
	return sorted[len(sorted)*99/100]
}

// ready waits until the machine has been on time for a while. What it does late others
// take for silence, and try again: more to do.
func (l *lateness) ready(ctx context.Context) error {
	for began := time.Now(); l.behind() && time.Since(began) < maxBehind; {
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *lateness) behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lags[max(0, len(l.lags)-lately):], func(lag time.Duration) bool {
		return lag > onTime
	})
}

// settle waits until the machine has been on time for a second, and had little to do, but
// not for ever. In virtual time it always is.
func (l *lateness) settle(ctx context.Context, nodes int) error {
	for began := time.Now(); time.Since(began) < time.Duration(nodes)*maxSettling; {
		l.forget()
		before := used()
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		busy := used()-before > time.Duration(runtime.GOMAXPROCS(0))*time.Second/2
		if worst := l.worst(); worst == 0 || worst < onTime && !busy {
			break
		}
	}
	l.forget()
	return nil
}
