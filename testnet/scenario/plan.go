package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Plan is all that is to happen, in order.
type Plan struct {
	// Nodes are first those that are there from the beginning, and then those that come later.
	Nodes []Node
	Calls []Call
	Steps []Step
	// Marks are the events as a person would tell of them.
	Marks []Mark
	// Length is how long it goes on, and Timeout how long a caller waits for an answer.
	Length, Timeout time.Duration
	// Idle is how long nobody calls before the beginning.
	Idle time.Duration
	// Seed is for what the network itself leaves to chance.
	Seed int64
}

// Call is one call.
type Call struct {
	At             time.Duration
	From, To, Cell string
	Bytes          int
}

// Step is one thing that is done to the network. Do is as in Event, or Join or End.
type Step struct {
	At time.Duration
	// Event is the number of the one that the step is of.
	Event int
	Do    string
	Nodes []string
	Sides [][]string
	// Link is the new one of all Nodes.
	Link *internet.Link
}

// What a Step does besides.
const (
	// Join has newcomers start.
	Join = "join"
	// End undoes what the steps of its Event have done, as far as no other event keeps it up.
	End = "end"
)

// Mark is something to be seen in a picture: a moment, or a span if Until is later.
type Mark struct {
	At, Until time.Duration
	Label     string
}

// maxCalls is what fits in memory with ease.
const maxCalls = 1_000_000

var errTooMany = fmt.Errorf("more than %d calls in all: write a longer every, or a shorter duration", maxCalls)

// length is how long the load goes on.
func (s Spec) length() time.Duration { return cmp.Or(s.Duration.Duration, time.Minute) }

// NewPlan draws a plan. The error is that of Check, or says that there is too much to do.
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
	p.letGo()
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

// load draws the calls of a load. A caller that churn takes or brings calls while it is
// there, and calls nobody that is gone for good.
func (p *Plan) load(s Spec, number int, l Load) error {
	end := p.Length
	if l.End.Duration > 0 {
		end = min(end, l.End.Duration)
	}
	from, to := membersOf(p.Nodes, l.From), membersOf(p.Nodes, l.To)
	if times := float64(end-l.Begin.Duration) / float64(l.Every.Duration); l.Calls == 0 &&
		times*float64(len(from)) > maxCalls {
		return errTooMany
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
		} else { // all of them are to have begun after one pause
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
				return errTooMany
			}
			at += pause()
		}
	}
	return nil
}

// pick draws somebody to call.
func pick(to []Node, caller string, at time.Duration, draw func(int) int) (string, bool) {
	if len(to) == 0 {
		return "", false
	}
	first := draw(len(to))
	for i := range to { // the next one, if this one is not to be called
		if n := to[(first+i)%len(to)]; n.Name != caller && n.alive(at) {
			return n.Name, true
		}
	}
	return "", false
}
