package scenario

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lateness watches how late this machine is: how long after its time a timer goes off. In virtual time that is never.
type lateness struct {
	mu   sync.Mutex
	lags []time.Duration // since forget
}

const (
	// lookEvery is between two looks at the clock.
	lookEvery = 50 * time.Millisecond
	// onTime is a lag that changes no figure.
	onTime = 20 * time.Millisecond
	// maxSettling is how long a run waits, for each node, for the machine to have done what joining has left to do.
	maxSettling = 100 * time.Millisecond
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

// settle waits until the machine has been on time for a second, but not for ever.
func (l *lateness) settle(ctx context.Context, nodes int) error {
	for began := time.Now(); time.Since(began) < time.Duration(nodes)*maxSettling; {
		l.forget()
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if l.worst() < onTime {
			break
		}
	}
	l.forget()
	return nil
}
