// Package tracer collects what happens on the way to a peer, for `cell ping` and `cell find`.
//
//	var t tracer.Tracer // of a node; what finds and dials emits into it
//	trace := t.Start(id)
//	defer trace.Stop()
//	for e := range trace.Events() { … }
//
// Usually nobody listens; emitting then costs one atomic load. Emitting never blocks: a
// trace that is not read keeps maxEvents events and drops the rest.
//
// Package trace (internal/trace) defines the events. What they mean for a user is up to
// the command that prints them.
package tracer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
)

// maxEvents is how many unread events a trace keeps.
const maxEvents = 256

// Tracer passes events on to the traces that are running. The zero value has none.
type Tracer struct {
	running atomic.Int32 // len(traces), to be read without mu
	mu      sync.Mutex
	traces  []*Trace
}

// Trace receives the events of one peer.
type Trace struct {
	tracer *Tracer // nil for a detached trace
	id     peer.ID
	events chan trace.Event
	dialed map[string]bool // addresses that were announced as dialled; guarded by tracer.mu
}

// Detached returns a trace that receives only what its own Emit is given.
func Detached() *Trace { return &Trace{events: make(chan trace.Event, maxEvents)} }

// Start begins a trace of the way to a peer. It runs until it is stopped.
func (t *Tracer) Start(id peer.ID) *Trace {
	tr := Detached()
	tr.tracer, tr.id, tr.dialed = t, id, map[string]bool{}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.traces = append(t.traces, tr)
	t.running.Store(int32(len(t.traces)))
	return tr
}

// Stop ends the trace. Events that are already in its channel stay there, and the channel
// is not closed.
func (tr *Trace) Stop() {
	t := tr.tracer
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.traces = slices.DeleteFunc(t.traces, func(other *Trace) bool { return other == tr })
	t.running.Store(int32(len(t.traces)))
}

// Events is where the events arrive.
func (tr *Trace) Events() <-chan trace.Event { return tr.events }

// Emit adds an event to this trace alone.
func (tr *Trace) Emit(e trace.Event) {
	select {
	case tr.events <- e:
	default:
	}
}

// Idle reports whether no trace is running. Callers can then save the work of making an event.
func (t *Tracer) Idle() bool { return t.running.Load() == 0 }

// Emit adds an event to the traces of a peer.
func (t *Tracer) Emit(id peer.ID, e trace.Event) {
	t.emit(func(tr *Trace) bool { return tr.id == id }, e)
}

// emit adds an event to the traces for which match is true.
func (t *Tracer) emit(match func(*Trace) bool, e trace.Event) {
	if t.Idle() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.traces {
		if match(tr) {
			tr.Emit(e)
		}
	}
}

// Found returns a function for discovery.WithTold. It emits what each source knows of a peer.
func (t *Tracer) Found(id peer.ID) func(source string, addrs []ma.Multiaddr, err error) {
	return func(source string, addrs []ma.Multiaddr, err error) {
		switch {
		case t.Idle():
		case err != nil:
			t.Emit(id, trace.Event{Kind: trace.Nothing, Source: source, Reason: err.Error()})
		default:
			t.Emit(id, trace.Event{Kind: trace.Found, Source: source,
				Addresses: maddrs.Strings(addrs)})
		}
	}
}

// Dials emits the addresses of a peer that are being dialled. Each trace gets each address once.
func (t *Tracer) Dials(id peer.ID, dials []network.AddrDelay) {
	for _, d := range dials {
		address := d.Addr.String()
		t.emit(func(tr *Trace) bool {
			fresh := tr.id == id && !tr.dialed[address]
			tr.dialed[address] = tr.dialed[address] || fresh
			return fresh
		}, trace.Event{Kind: trace.Dial, Address: address, Wait: trace.MS(d.Delay)})
	}
}
