package stem

import (
	"context"
	"log/slog"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/stem/gate"
)

// Config says what a Stem is made of. A Home and a Network are enough.
type Config struct {
	// Home is the directory of the stem. If it is the zero Home, there are no links, and Claim,
	// Parts and Hooks.Record must be given.
	Home home.Home
	// Version of the program, for its status. It may be empty.
	Version string
	// Claim is what Claim returned for the home. If nil, New claims it. The zero Lock claims
	// nothing.
	Claim *socket.Lock
	// Network reaches other stems.
	Network Network
	// Tracer serves `cell ping` and `cell find`. If nil, both are refused.
	Tracer Tracer
	// Wrapper is the program that runs cells whose dna does not bind a socket itself, executed
	// as "cell run NAME". If empty, this program.
	Wrapper string
	// Grace is how long calls may go on when the stem is stopped. If zero, 3 s.
	Grace time.Duration
	// Log gets what the owner may want to know. If nil, nothing is logged.
	Log *slog.Logger

	Parts
	Hooks
}

// Parts replace what a home provides.
type Parts struct {
	// Cells are the cells of this machine. If nil, package germinate finds them in the home.
	Cells Cells
	// Policy says who may reach what. If nil, package policy reads the home's files.
	Policy Policy
	// Door is where the user of this machine calls. If nil, the home's stem.sock.
	Door Door
	// Places remember which peer answered where. If nil, the home's places.toml.
	Places Places
}

// Hooks are called by the stem. Each may be nil.
type Hooks struct {
	// Record gets each call from or to another machine when it has ended. It must not block. If
	// nil, calls are written to the home's log/calls.jsonl.
	Record func(Record)
	// Describe returns what the network says of itself, for the JSON of `cell status`.
	Describe func() any
	// Ready is called when the doors are open.
	Ready func()
}

// Network connects stems.
type Network interface {
	// ID returns this machine's peer ID.
	ID() address.ID

	// Open connects to the stem of a peer, which may be at the given places or elsewhere. ctx
	// covers the call, not the stream.
	Open(ctx context.Context, to address.ID, at ...address.Place) (pipe.Stream, error)

	// Whois returns the peer that answers at a place.
	Whois(ctx context.Context, at address.Place) (address.ID, error)

	// Handle sets the function that is called with each stream from another stem. serve owns
	// the stream.
	Handle(serve func(ctx context.Context, caller address.ID, stream pipe.Stream))

	// HandleRaw sets the function that is called with each stream that a plain libp2p program
	// opens to a cell. cell is what the program sent, unchecked. serve owns the stream.
	HandleRaw(serve func(ctx context.Context, caller address.ID, cell string, stream pipe.Stream))
}

// Cells are the cells of this machine.
type Cells interface {
	// Connect connects to a cell in the name of a caller, and starts the cell if needed.
	Connect(ctx context.Context, cell address.Name, caller gate.Caller) (pipe.Stream, error)

	// Germinate starts the cell unless it runs.
	Germinate(ctx context.Context, cell address.Name, caller gate.Caller) error

	// Cut marks a call as cut by its cell. caller is the name by which the cell knows its
	// caller. It reports whether there is such a call.
	Cut(caller string) bool

	// Running lists the cells that answer at their sockets.
	Running() []address.Name

	// Known lists the cells that run or could be started. A name may be listed twice.
	Known() []address.Name

	// Run does background work until ctx ends.
	Run(ctx context.Context) error
}

// Policy says who may reach what.
type Policy interface {
	// Rules returns the rules in force, from memory.
	Rules() *gate.Rules

	// Reread puts the rules in force that are written down now.
	Reread()

	// Join makes a peer of a caller that has proved an invite, and returns its grant. If the
	// invite is no longer valid, the error is a wire.Refusal.
	Join(ctx context.Context, joiner address.ID, proof string, now time.Time) (peers.Grant, error)

	// Run puts rules in force when they change, until ctx ends.
	Run(ctx context.Context) error
}

// Door is where the user of this machine calls.
type Door interface {
	// Accept waits for a caller. The stem owns the stream. After Close it returns net.ErrClosed.
	Accept() (pipe.Stream, error)

	// Close ends Accept. Streams that were accepted stay open.
	Close() error
}
