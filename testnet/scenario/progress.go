package scenario

import (
	"context"
	"time"
)

// enter begins a phase.
func (r *run) enter(phase string) {
	r.mu.Lock()
	r.phase, r.began = phase, time.Now()
	r.mu.Unlock()
}

func (r *run) tellJoined(joined int) {
	r.mu.Lock()
	r.joined = joined
	r.mu.Unlock()
}

// tell reports until ctx ends.
func (r *run) tell(ctx context.Context) {
	if r.opts.Progress == nil {
		return
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.opts.Progress(r.progress())
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) progress() Progress {
	r.mu.Lock()
	p := Progress{Phase: r.phase, Since: time.Since(r.began), Up: r.joined, Asked: len(r.records),
		Answered: r.answered, Direct: r.direct, Open: r.open}
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
