package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/testnet/natlab"
)

const (
	// joiners is how many nodes join at the same time. With more they slow each other down.
	joiners = 16
	// startGap is the time between two starts: nodes that start at the same moment also
	// call each other at the same moment.
	startGap = 20 * time.Millisecond
	// joinTimeout bounds how long a node may take to join.
	joinTimeout = 60 * time.Second
)

// joinNaturally starts nodes and waits until each has joined: the first public nodes one
// after the other, since all others bootstrap from them; then the other public ones, which
// relay; then the rest. It waits for ready before each start and calls told with how many
// have joined. A node that has not joined in time is not an error.
func joinNaturally(ctx context.Context, net nodes, all []Node, ready func(context.Context) error,
	told func(int)) (how string, err error) {
	var public, behind []Node
	for _, n := range all {
		if n.Place.Kind == natlab.Public {
			public = append(public, n)
		} else {
			behind = append(behind, n)
		}
	}
	var mu sync.Mutex
	joined := 0
	first := public[:min(bootstrapNodes, len(public))]
	for _, phase := range []struct {
		nodes []Node
		limit int
	}{{first, 1}, {public[len(first):], joiners}, {behind, joiners}} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(phase.limit)
		for _, n := range phase.nodes {
			if pause(ctx, startGap) != nil || ready(ctx) != nil {
				break
			}
			group.Go(func() error {
				ctx, cancel := context.WithTimeout(ctx, joinTimeout)
				defer cancel()
				if err := net.start(ctx, n); err != nil {
					return err
				}
				net.joined(ctx, n.Name)
				if ctx.Err() != nil {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				joined++
				told(joined)
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return "", err
		}
	}
	if left := len(all) - joined; left > 0 {
		return fmt.Sprintf("naturally, except %d that did not in %v", left, joinTimeout), ctx.Err()
	}
	return "naturally", ctx.Err()
}
