package scenario

import (
	"context"
	"time"
)

// enter begins a phase.
func (r *run) enter(phase string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.phase, r.progress.began = phase, time.Now()
}

func (r *run) setJoined(joined int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.joined = joined
}

func (r *run) countOpen(change int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.open += change
}

// report calls Options.Progress once a second until ctx ends.
func (r *run) report(ctx context.Context) {
	for r.opts.Progress != nil && pause(ctx, time.Second) == nil {
		r.opts.Progress(r.state())
	}
}

func (r *run) state() Progress {
	r.mu.Lock()
	now := r.progress
	p := Progress{Phase: now.phase, Since: time.Since(now.began), Up: now.joined,
		Asked: len(r.records), Answered: now.answered, Direct: now.direct, Open: now.open}
	r.mu.Unlock()
	if r.opts.Real {
		p.Direct = -1
	}
	for _, n := range r.plan.Nodes {
		if n.From == 0 {
			p.Nodes++
		}
	}
	if p.Phase != Joining {
		p.Up = r.net.up()
	}
	return p
}
