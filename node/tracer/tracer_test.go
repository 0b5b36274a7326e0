package tracer

import (
	"context"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/internal/trace"
)

// A trace that nobody reads blocks nobody, and keeps a bounded number of events.
func TestUnreadTrace(t *testing.T) {
	var tracer Tracer
	tr := tracer.Start("x")
	for range 2 * maxEvents {
		tracer.Emit("x", trace.Event{})
	}
	tracer.Emit("y", trace.Event{})
	if len(tr.events) != maxEvents {
		t.Errorf("%d events wait", len(tr.events))
	}
	tr.Stop()
	tr.Stop()
	if !tracer.Idle() {
		t.Error("a trace is still running")
	}
}

// Tracing costs a call nothing while nobody listens.
func BenchmarkIdle(b *testing.B) {
	var tracer Tracer
	found := tracer.Found("x")
	var addrs []ma.Multiaddr
	b.ReportAllocs()
	for b.Loop() {
		found(trace.Cache, addrs, nil)
		tracer.Dials("x", nil)
		tracer.Swarm().FailedDialing(nil, context.Canceled, nil)
	}
}
