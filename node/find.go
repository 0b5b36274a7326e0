package node

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/tracer"
)

// Find asks every source for a peer until all have answered, and tells what each knows,
// from one goroutine. An error of tell ends it. It only dials members of the mesh. The
// error is meant to follow the peer's name.
func (n *Node) Find(ctx context.Context, to address.ID, tell func(trace.Event) error) error {
	id, _, err := n.decode(to, nil)
	if err != nil {
		return err
	}
	tr := tracer.Detached()
	return n.attend(ctx, tr, tell, func(ctx context.Context) error {
		var known atomic.Bool
		n.finder.Survey(ctx, id, func(a discovery.Answer) {
			e := trace.Event{Kind: trace.Found, Source: a.Source,
				Addresses: maddrs.Strings(a.Addrs),
				Seen:      a.Seen}
			if a.Err != nil && len(a.Addrs) == 0 {
				e.Kind, e.Reason = trace.Nothing, a.Err.Error()
			} else {
				known.Store(true)
			}
			tr.Emit(e)
		})
		if !known.Load() {
			return errors.Join(ctx.Err(), errUnknown)
		}
		return ctx.Err()
	})
}

var errUnknown = errors.New("nobody knows where it is")
