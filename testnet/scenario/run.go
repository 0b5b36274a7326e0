package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Options say how a scenario is run. The zero Options simulate it.
type Options struct {
	// Join is the way of joining: Natural or Preset. If empty, the one that fits.
	Join string
	// Real runs the program Cell as processes on the kernel's own networks, which package
	// natlab makes: for that, one has to be root on Linux. Nodes join naturally, and
	// there are no figures of lookups.
	Real bool
	// Cell is the path of the program "cell".
	Cell string
	// Progress is told how things stand, about once a second, by one goroutine at a time.
	// It may be nil.
	Progress func(Progress)
}

// Progress is how things stand.
type Progress struct {
	// Phase is joining, idle or calling, and Since the time since it began.
	Phase string
	Since time.Duration
	// Nodes is how many there are to be, and Up how many have joined, or run.
	Nodes, Up int
	// Asked, Answered and Direct count calls that are over; Open those that are not.
	// Direct is -1 where that is not known yet.
	Asked, Answered, Direct, Open int
}

// The phases of a run.
const (
	Joining = "joining"
	Idling  = "idle"
	Calling = "calling"
)

// Run carries a scenario out and returns what came of it. It takes the time that the
// scenario says, and that of joining: real time, or virtual time in a testing/synctest
// bubble. If ctx ends first, the error is its cause, and the Outcome is nil. Calls that
// were not answered are no error.
func Run(ctx context.Context, spec Spec, opts Options) (*Outcome, error) {
	plan, err := NewPlan(spec)
	if err != nil {
		return nil, err
	}
	var net network
	if opts.Real {
		net, err = newReal(plan, opts)
	} else {
		net, err = newSimulated(plan, opts.Join)
	}
	if err != nil {
		return nil, err
	}
	return carryOut(ctx, plan, net, opts)
}

// run is a plan that is being carried out.
type run struct {
	plan *Plan
	net  network
	opts Options
	work sync.WaitGroup // calls and steps
	came map[string]Node
	late lateness

	mu       sync.Mutex
	phase    string
	began    time.Time // of the phase
	joined   int
	open     int
	answered int
	direct   int
	records  []Record
	problems []error
}

// carryOut runs a plan, and closes the network.
func carryOut(ctx context.Context, plan *Plan, net network, opts Options) (_ *Outcome, err error) {
	r := &run{plan: plan, net: net, opts: opts, came: map[string]Node{}}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.work.Wait()
		err = errors.Join(err, net.close())
	}()
	var watchers sync.WaitGroup
	watchers.Go(func() { r.tell(ctx) })
	watchers.Go(func() { r.late.watch(ctx) })
	defer func() { cancel(); watchers.Wait() }()

	o := &Outcome{Seed: plan.Seed, Length: plan.Length}
	var first []Node
	for _, n := range plan.Nodes {
		r.came[n.Name] = n
		if n.From == 0 {
			first = append(first, n)
		}
	}
	o.Nodes = len(first)
	r.enter(Joining)
	began := time.Now()
	if o.Join, err = net.begin(ctx, first, r.late.ready, r.tellJoined); err != nil {
		return nil, cause(ctx, err)
	}
	o.Joining = time.Since(began)
	if err := r.late.settle(ctx, o.Nodes); err != nil {
		return nil, cause(ctx, err)
	}
	if plan.Idle > 0 {
		r.enter(Idling)
		before := net.sent()
		if pause(ctx, plan.Idle) != nil {
			return nil, context.Cause(ctx)
		}
		o.IdleRate = rate(net.sent()-before, o.Nodes, plan.Idle)
	}
	r.enter(Calling)
	began, before := time.Now(), net.sent()
	if err := r.play(ctx, began); err != nil {
		return nil, cause(ctx, err)
	}
	o.Late = r.late.worst()
	o.Rate = rate(net.sent()-before, o.Nodes, time.Since(began))
	net.finish(r.records)
	o.Lookups = net.lookups(began)
	o.Records, o.Marks, o.Problems = r.records, plan.Marks, r.problems
	o.Memory = memory()
	o.locate(plan)
	return o, nil
}

// play has the steps and the calls happen when they are due, and returns when all are over.
func (r *run) play(ctx context.Context, began time.Time) error {
	steps, calls := r.plan.Steps, r.plan.Calls
	for len(steps) > 0 || len(calls) > 0 {
		// A step goes before a call of the same moment.
		if len(steps) > 0 && (len(calls) == 0 || steps[0].At <= calls[0].At) {
			step := steps[0]
			steps = steps[1:]
			if err := pause(ctx, time.Until(began.Add(step.At))); err != nil {
				return err
			}
			r.work.Go(func() { r.step(ctx, step) })
			continue
		}
		call := calls[0]
		calls = calls[1:]
		if err := pause(ctx, time.Until(began.Add(call.At))); err != nil {
			return err
		}
		r.work.Go(func() { r.call(ctx, call) })
	}
	if err := pause(ctx, time.Until(began.Add(r.plan.Length))); err != nil {
		return err
	}
	r.work.Wait() // each has a deadline
	return ctx.Err()
}

func (r *run) step(ctx context.Context, step Step) {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	var nodes []Node
	if step.Do == Join {
		for _, name := range step.Nodes {
			nodes = append(nodes, r.came[name])
		}
	}
	if err := r.net.do(ctx, step, nodes); err != nil && ctx.Err() == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.problems = append(r.problems, fmt.Errorf("at %v, %s: %w", step.At, step.Do, err))
	}
}

func (r *run) call(ctx context.Context, call Call) {
	r.count(1, nil)
	ctx, cancel := context.WithTimeout(ctx, r.plan.Timeout)
	defer cancel()
	record, made := r.net.call(ctx, call)
	if !made {
		r.count(-1, nil)
		return
	}
	record.Err = strings.ReplaceAll(record.Err, context.DeadlineExceeded.Error(),
		fmt.Sprintf("no whole answer in %v", r.plan.Timeout))
	r.count(-1, &record)
}

// count keeps the numbers that Progress has.
func (r *run) count(open int, record *Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open += open
	if record == nil {
		return
	}
	r.records = append(r.records, *record)
	if record.Answered() {
		r.answered++
		if record.direct() {
			r.direct++
		}
	}
}

func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func rate(bytes uint64, nodes int, d time.Duration) float64 {
	return float64(bytes) / float64(nodes) / d.Seconds()
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
