package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Plan is everything that a scenario does, in order.
type Plan struct {
	// Nodes are first those that are there from the beginning, then those that come later.
	Nodes []Node
	Calls []Call
	Steps []Step
	// Marks are the events, in words.
	Marks []Mark
	// Length is how long the load goes on, Timeout how long a caller waits for an answer,
	// and Idle how long nobody calls before the load.
	Length, Timeout, Idle time.Duration
	// Seed is for the network's own randomness.
	Seed int64
}

// Call is one call.
type Call struct {
	At             time.Duration
	From, To, Cell string
	Bytes          int
}

// Step is one change to the network. Do is as in Event, or Join or End.
type Step struct {
	At time.Duration
	// Event is the index of the event that the step belongs to.
	Event int
	Do    string
	Nodes []string
	Sides [][]string
	// Link is the new link of all Nodes.
	Link *internet.Link
}

// The values of Step.Do that Event.Do does not have.
const (
	// Join starts new nodes.
	Join = "join"
	// End undoes what the Event has done, unless another event keeps it up.
	End = "end"
)

// Mark is an event in a picture: a moment, or a span if Until is later.
type Mark struct {
	At, Until time.Duration
	Label     string
}

// maxCalls easily fits in memory.
const maxCalls = 1_000_000

var errTooManyCalls = fmt.Errorf(
	"more than %d calls in total: write a longer every, or a shorter duration", maxCalls)

func (s Spec) length() time.Duration { return cmp.Or(s.Duration.Duration, time.Minute) }

// NewPlan draws a plan. It fails if Check does, or if there would be too many calls.
func NewPlan(s Spec) (*Plan, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	p := &Plan{
		Nodes:   s.place(),
		Length:  s.length(),
		Timeout: cmp.Or(s.Timeout.Duration, 30*time.Second),
		Idle:    s.Idle.Duration,
		Seed:    s.Seed,
	}
	for i := range s.Events {
		p.event(s, i, s.chance(streamEvents, i))
	}
	p.dropGone()
	for i, l := range s.Loads {
		if err := p.load(s, i, l); err != nil {
			return nil, fmt.Errorf("load %d: %w", i+1, err)
		}
	}
	slices.SortStableFunc(p.Calls, func(a, b Call) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	slices.SortStableFunc(p.Marks, func(a, b Mark) int { return cmp.Compare(a.At, b.At) })
	return p, nil
}

// load draws the calls of a load. Nodes that churn adds or removes call, and are called,
// only while they are there.
func (p *Plan) load(s Spec, number int, l Load) error {
	end := p.Length
	if l.End.Duration > 0 {
		end = min(end, l.End.Duration)
	}
	from, to := membersOf(p.Nodes, l.From), membersOf(p.Nodes, l.To)
	if times := float64(end-l.Begin.Duration) / float64(l.Every.Duration); l.Calls == 0 &&
		times*float64(len(from)) > maxCalls {
		return errTooManyCalls
	}
	for i, caller := range from {
		r := s.chance(streamLoads, number<<20|i)
		at := l.Begin.Duration
		if caller.From > 0 {
			at = max(at, caller.From+settling)
		}
		pause := func() time.Duration {
			return time.Duration(r.ExpFloat64() * float64(l.Every.Duration))
		}
		if l.Calls == 0 {
			at += pause()
		} else { // every caller's first call is within one pause
			at += time.Duration(r.Float64() * float64(l.Every.Duration))
		}
		for calls := 0; at < end && (caller.Gone == 0 || at < caller.Gone) &&
			(l.Calls == 0 || calls < l.Calls); calls++ {
			callee, ok := pick(to, caller.Name, at, r.IntN)
			if ok {
				p.Calls = append(p.Calls, Call{at, caller.Name, callee, cmp.Or(l.Cell, Echo),
					cmp.Or(l.Bytes, 32)})
			}
			if len(p.Calls) > maxCalls {
				return errTooManyCalls
			}
			at += pause()
		}
	}
	return nil
}

// pick draws a node to call: the first that is there, from a random one on.
func pick(to []Node, caller string, at time.Duration, draw func(int) int) (string, bool) {
	if len(to) == 0 {
		return "", false
	}
	first := draw(len(to))
	for i := range to {
		if n := to[(first+i)%len(to)]; n.Name != caller && n.alive(at) {
			return n.Name, true
		}
	}
	return "", false
}
