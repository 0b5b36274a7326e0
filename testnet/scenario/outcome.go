package scenario

import (
	"strings"
	"time"
)

// Outcome is the result of a run.
type Outcome struct {
	// Scenario is the scenario's name. Run leaves it and About to the caller.
	Scenario, About string
	Nodes           int
	Seed            int64
	// Join describes in words how the nodes joined, and Joining is how long it took.
	Join    string
	Joining time.Duration
	// Length is how long the load went on.
	Length time.Duration

	// Records are the calls, in the order in which they ended.
	Records []Record
	Marks   []Mark
	// Lookups are the searches during the load, including those of calls.
	Lookups []Lookup
	// Problems are the events that failed.
	Problems []error
	// Where has the group and place of each node, by name.
	Where map[string]Where

	// Rate is how many bytes a node sent per second during the load, and IdleRate during
	// Plan.Idle.
	Rate, IdleRate float64
	// Memory is the peak memory of this process in bytes. It does not include nodes that
	// are processes.
	Memory int64
	// Late is how late this machine's timers were during the load, 99th percentile. Times
	// are only as exact as that. In virtual time it is 0.
	Late time.Duration
}

// Where is the group and the place of a node.
type Where struct {
	Group string
	Place Place
}

func (o *Outcome) locate(p *Plan) {
	o.Where = map[string]Where{}
	for _, n := range p.Nodes {
		o.Where[n.Name] = Where{n.Group, n.Place}
	}
}

func (r Record) direct() bool { return strings.HasPrefix(r.Route, "direct") }

func (r Record) relayed() bool { return strings.HasPrefix(r.Route, "relayed") }
