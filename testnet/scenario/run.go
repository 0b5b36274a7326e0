package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Options say how to run a scenario. The zero Options simulate it.
type Options struct {
	// Join is Natural or Preset. If empty, the one that fits.
	Join string
	// Real runs each node as a process of the program Cell, in network namespaces that
	// package natlab makes. It needs Linux and root. Nodes join naturally, and there are
	// no figures on lookups.
	Real bool
	// Cell is the path of the program cell.
	Cell string
	// Progress is called about once a second, never concurrently. If nil, it is not called.
	Progress func(Progress)
}

// Progress is the state of a run.
type Progress struct {
	// Phase is Joining, Idling or Calling, and Since the time since it began.
	Phase string
	Since time.Duration
	// Nodes is how many nodes there are to be, and Up how many have joined, or run.
	Nodes, Up int
	// Asked, Answered and Direct count finished calls, Open unfinished ones. Direct is -1
	// if it is not known yet.
	Asked, Answered, Direct, Open int
}

// The phases of a run.
const (
	Joining = "joining"
	Idling  = "idle"
	Calling = "calling"
)

// Run runs a scenario and returns its outcome. It takes the time that the nodes need to
// join and the scenario's duration: real time, or virtual time in a testing/synctest
// bubble. If ctx ends first, Run returns its cause and no Outcome. Failed calls are part
// of the Outcome, not errors.
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
	return runPlan(ctx, plan, net, opts)
}

// run is a plan while it runs.
type run struct {
	plan    *Plan
	net     network
	opts    Options
	work    sync.WaitGroup  // calls and steps
	nodes   map[string]Node // all of the plan
	effects *effects
	late    lateness

	mu       sync.Mutex
	problems []error
	records  []Record
	progress struct {
		phase                          string
		began                          time.Time // of the phase
		joined, open, answered, direct int
	}
}

// runPlan runs a plan and closes the network.
func runPlan(ctx context.Context, plan *Plan, net network, opts Options) (_ *Outcome, err error) {
	r := &run{plan: plan, net: net, opts: opts, nodes: map[string]Node{}, effects: newEffects()}
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		r.work.Wait()
		err = errors.Join(err, net.close())
	}()
	var watchers sync.WaitGroup
	watchers.Go(func() { r.report(ctx) })
	watchers.Go(func() { r.late.watch(ctx) })
	defer func() { cancel(); watchers.Wait() }()

	var first []Node
	for _, n := range plan.Nodes {
		r.nodes[n.Name] = n
		if n.From == 0 {
			first = append(first, n)
		}
	}
	o := &Outcome{Seed: plan.Seed, Length: plan.Length, Nodes: len(first)}
	r.enter(Joining)
	began := time.Now()
	if o.Join, err = net.begin(ctx, first, r.late.ready, r.setJoined); err != nil {
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
	o.Memory = maxRSS()
	o.locate(plan)
	return o, nil
}

// play starts each step and call when it is due, and returns when all are finished.
func (r *run) play(ctx context.Context, began time.Time) error {
	steps, calls := r.plan.Steps, r.plan.Calls
	for len(steps) > 0 || len(calls) > 0 {
		var at time.Duration
		var do func()
		// A step goes before a call of the same moment.
		if len(steps) > 0 && (len(calls) == 0 || steps[0].At <= calls[0].At) {
			step := steps[0]
			steps = steps[1:]
			at, do = step.At, func() { r.step(ctx, step) }
		} else {
			call := calls[0]
			calls = calls[1:]
			at, do = call.At, func() { r.call(ctx, call) }
		}
		if err := pause(ctx, time.Until(began.Add(at))); err != nil {
			return err
		}
		r.work.Go(do)
	}
	if err := pause(ctx, time.Until(began.Add(r.plan.Length))); err != nil {
		return err
	}
	r.work.Wait() // each has a deadline
	return ctx.Err()
}

func (r *run) step(ctx context.Context, step Step) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if err := r.do(ctx, step); err != nil && ctx.Err() == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.problems = append(r.problems, fmt.Errorf("at %v, %s: %w", step.At, step.Do, err))
	}
}

// call makes a call, unless its caller does not run.
func (r *run) call(ctx context.Context, call Call) {
	if !r.net.running(call.From) {
		return
	}
	r.countOpen(1)
	defer r.countOpen(-1)
	ctx, cancel := context.WithTimeout(ctx, r.plan.Timeout)
	defer cancel()
	record, got, err := r.net.call(ctx, call)
	switch {
	case err != nil:
		record.Err = strings.ReplaceAll(err.Error(), context.DeadlineExceeded.Error(),
			fmt.Sprintf("no whole answer in %v", r.plan.Timeout))
	case got != call.Bytes:
		record.Err = fmt.Sprintf("%d bytes of %d came back", got, call.Bytes)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, record)
	if record.Answered() {
		r.progress.answered++
		if record.direct() {
			r.progress.direct++
		}
	}
}

// cause returns the cause of ctx's end, or else err.
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
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
