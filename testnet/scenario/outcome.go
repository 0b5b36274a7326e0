package scenario

import (
	"strings"
	"time"
)

// Outcome is what came of a run.
type Outcome struct {
	// Scenario is its name, for whoever has one to fill in.
	Scenario string
	About    string
	Nodes    int
	Seed     int64
	// Join says in words how the nodes joined, and Joining how long it took.
	Join    string
	Joining time.Duration
	// Length is how long the load went on.
	Length time.Duration
	// Records are the calls, in the order in which they ended.
	Records []Record
	Marks   []Mark
	// Lookups are the searches during the load, those of calls among them.
	Lookups []Lookup
	// Rate is how many bytes a node sent a second during the load, and IdleRate before
	// it, if nobody called for a time.
	Rate, IdleRate float64
	// Memory is the most that this process has held, in bytes: of nodes that are
	// processes, it says nothing.
	Memory int64
	// Late is how late the latest of this machine's timers in a hundred were during the
	// load: times are only as good as that. In virtual time it is 0.
	Late time.Duration
	// Problems are events that failed.
	Problems []error
	// Where says where each node lives, by its name.
	Where map[string]Where
}

// Where is the group of a node, and where it lives.
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
