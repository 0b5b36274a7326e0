package scenario

import (
	"context"
	"time"
)

// network is what a plan is carried out on. Its methods may be called at the same time.
type network interface {
	// begin brings up the nodes that are there from the beginning, and returns when they
	// have found each other; told is called with how many have. Before each start ready
	// waits until the machine has time for it. It says in words how they did.
	begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
		told func(joined int)) (how string, err error)
	// do carries out a step. nodes are those of a Join.
	do(ctx context.Context, step Step, nodes []Node) error
	// call makes a call, unless its caller does not run. ctx covers it.
	call(ctx context.Context, call Call) (_ Record, made bool)
	// up is how many nodes run.
	up() int
	// sent is how many bytes the nodes have sent so far.
	sent() uint64
	// lookups are the searches so far that began after a time.
	lookups(since time.Time) []Lookup
	// finish adds what is known of calls only when all are over.
	finish(records []Record)
	// close ends everything.
	close() error
}

// Record is what came of a call. Durations are from its beginning, and 0 for what was not reached.
type Record struct {
	Call
	// Err is why there was no answer; empty if there was the whole of it.
	Err string
	// Route is "direct quic" and the like.
	Route string
	// Reached is when there was a way to the other stem, Granted when it had agreed, and
	// FirstByte when the answer began.
	Reached, Granted, FirstByte, Took time.Duration
	// Lookup is the search that the call needed, if it needed one.
	Lookup *Lookup

	began time.Time
}

// Answered says whether the whole answer came.
func (r Record) Answered() bool { return r.Err == "" }

// Lookup is one search for a node.
type Lookup struct {
	Found bool
	// Asked is how many others were asked, and Hops how far the one that knew was.
	Asked, Hops int
	Took        time.Duration
}
