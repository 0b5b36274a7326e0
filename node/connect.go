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

// connect returns a connection to the peer, and whether it was made just now.
func (n *Node) connect(ctx context.Context, id peer.ID,
	at []*spot) (conn network.Conn, fresh bool, err error) {
	if conn := n.conns.Best(id); conn != nil {
		return conn, false, nil
	}
	f := n.board(id, at)
	defer n.leave(f)
	select {
	case <-f.done:
		if f.conn != nil {
			return f.conn, true, nil
		}
		return nil, false, n.why(f, at, nil)
	case <-ctx.Done():
		return nil, false, n.why(f, at, ctx.Err())
	}
}

// why says what a flight failed of, to someone who gave these places along, and who may
// have given up. Somebody else at one of the places is what matters most.
func (n *Node) why(f *flight, at []*spot, gaveUp error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var reasons []error
	for _, s := range at {
		for _, addr := range s.addrs {
			if actual, ok := f.others[string(addr.Bytes())]; ok {
				return mismatch(s.place, f.id, actual)
			}
		}
		if s.err != nil {
			reasons = append(reasons, fmt.Errorf("place %s %w", s.place, s.err))
		}
	}
	switch {
	case n.tasks.Context().Err() != nil: // so that is what ended the search, too
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
		reasons = append(reasons, errClosed) // what else ends a flight
	}
	if seen := n.finder.LastSeen(f.id); !seen.IsZero() {
		reasons = append(reasons, fmt.Errorf("it was last seen on %s",
			seen.Local().Format(time.DateTime)))
	}
	return oneLine(reasons)
}

// oneLine joins errors as a sentence has them.
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
