package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/discovery"
)

// connect returns a connection to the peer, and whether it is a new one.
func (n *Node) connect(ctx context.Context, id peer.ID,
	at []*target) (conn network.Conn, fresh bool, err error) {
	if conn := n.conns.Best(id); conn != nil {
		return conn, false, nil
	}
	f := n.join(id, at)
	defer f.leave()
	select {
	case <-f.done:
		if f.conn != nil {
			return f.conn, true, nil
		}
		return nil, false, f.why(at, nil)
	case <-ctx.Done():
		return nil, false, f.why(at, ctx.Err())
	}
}

// why says why a flight failed, to a waiter who gave these targets and may have given up.
// The most important reason is that another peer answered at one of them.
func (f *flight) why(at []*target, gaveUp error) error {
	n := f.node
	n.flights.mu.Lock()
	defer n.flights.mu.Unlock()
	var reasons []error
	for _, t := range at {
		for _, addr := range t.addrs {
			if actual, ok := f.others[string(addr.Bytes())]; ok {
				return mismatch(t.place, f.id, actual)
			}
		}
		if t.err != nil {
			reasons = append(reasons, fmt.Errorf("place %s %w", t.place, t.err))
		}
	}
	switch {
	case n.tasks.Context().Err() != nil: // which ended the search, too
		reasons = append(reasons, errClosed)
	case gaveUp != nil && !errors.Is(gaveUp, context.DeadlineExceeded):
		return gaveUp
	case f.dialErr != nil:
		reasons = append(reasons, fmt.Errorf("does not answer: %w", discovery.Brief(f.dialErr)))
	case gaveUp != nil, errors.Is(f.ctx.Err(), context.DeadlineExceeded):
		reasons = append(reasons, errors.New("found no way to it in time"))
	case f.findErr != nil:
		reasons = append(reasons, f.findErr)
	case len(reasons) == 0:
		reasons = append(reasons, errClosed) // nothing else ends a flight
	}
	if seen := n.finder.LastSeen(f.id); !seen.IsZero() {
		reasons = append(reasons, fmt.Errorf("it was last seen on %s",
			seen.Local().Format(time.DateTime)))
	}
	return oneLine(reasons)
}

// oneLine joins errors into one sentence.
func oneLine(list []error) error {
	if len(list) == 1 {
		return list[0]
	}
	text := make([]string, len(list))
	for i, err := range list {
		text[i] = err.Error()
	}
	return errors.New(strings.Join(text, "; "))
}
