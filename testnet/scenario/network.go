package scenario

import (
	"context"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// network is what a plan runs on: simulated, or real namespaces and processes. Nodes go by
// their names. The methods may be called concurrently.
type network interface {
	nodes
	lines
	// begin starts the nodes that are there from the beginning and waits until they have
	// found each other. It calls joined with how many have, and waits for ready before
	// each start. how describes in words how they joined.
	begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
		joined func(int)) (how string, err error)
	// call makes a call and returns how many bytes came back. ctx covers the call.
	call(ctx context.Context, call Call) (r Record, got int, err error)
	// sent returns how many bytes the nodes have sent so far.
	sent() uint64
	// lookups returns the finished searches that began after since.
	lookups(since time.Time) []Lookup
	// finish adds to the records what is known only after all calls are over.
	finish(records []Record)
	close() error
}

// nodes are the stems of a network.
type nodes interface {
	// start starts a new node and returns when it listens.
	start(ctx context.Context, n Node) error
	// joined waits until the node is a member of the mesh or ctx ends.
	joined(ctx context.Context, name string)
	// up returns how many nodes run.
	up() int
	running(name string) bool
	stop(ctx context.Context, name string) error
	kill(ctx context.Context, name string) error
	restart(ctx context.Context, name string) error
	// relays returns the nodes that relay for this one.
	relays(ctx context.Context, name string) []string
}

// lines are the links and routers between the nodes of a network.
type lines interface {
	cut(a, b string) (heal func())
	partition(sides [][]string) (heal func())
	heal()
	setLink(name string, link internet.Link)
	// renumber gives the node's router another public address.
	renumber(name string) error
}

// Record is the result of a call. Durations count from its start; 0 means not reached.
type Record struct {
	Call
	// Err says why the call failed. If empty, the whole answer came.
	Err string
	// Route is "direct quic" and the like.
	Route string
	// Reached is when a stream to the other stem was open, Granted when that stem had
	// accepted the call, and FirstByte when the answer began.
	Reached, Granted, FirstByte, Took time.Duration
	// Lookup is the search that the call needed. If nil, it needed none.
	Lookup *Lookup

	began time.Time
}

// Answered reports whether the whole answer came.
func (r Record) Answered() bool { return r.Err == "" }

// Lookup is one search for a node in the mesh.
type Lookup struct {
	Found bool
	// Asked is how many members were asked, and Hops how far away the one was that knew
	// an address.
	Asked, Hops int
	Took        time.Duration
}
