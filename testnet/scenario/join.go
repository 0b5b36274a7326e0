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
	// joiners is how many nodes join at the same time: more get in each other's way.
	joiners = 16
	// apart is the time between two starts: nodes that start at one moment call each
	// other at one moment.
	apart = 20 * time.Millisecond
	// joinWait bounds how long one takes to be a member.
	joinWait = 60 * time.Second
)

// inTurn has nodes join naturally: the first public ones one after the other, since that
// is where the others begin; then the other public ones, which relay; then the rest. join
// waits until its node is a member, or its ctx ends: one that is not a member in time is
// no error. Before each, ready waits for the machine.
func inTurn(ctx context.Context, nodes []Node, ready func(context.Context) error, told func(int),
	join func(context.Context, Node) error) (how string, err error) {
	var public, behind []Node
	for _, n := range nodes {
		if n.Place.Kind == natlab.Public {
			public = append(public, n)
		} else {
			behind = append(behind, n)
		}
	}
	var mu sync.Mutex
	joined := 0
	pillars := public[:min(stays, len(public))]
	for _, step := range []struct {
		nodes []Node
		limit int
	}{{pillars, 1}, {public[len(pillars):], joiners}, {behind, joiners}} {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(step.limit)
		for _, n := range step.nodes {
			if pause(ctx, apart) != nil || ready(ctx) != nil {
				break
			}
			group.Go(func() error {
				patience, cancel := context.WithTimeout(ctx, joinWait)
				defer cancel()
				if err := join(patience, n); err != nil || patience.Err() != nil {
					return err
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
	if joined < len(nodes) {
		return fmt.Sprintf("naturally, but for %d that did not in %v", len(nodes)-joined,
			joinWait), ctx.Err()
	}
	return "naturally", ctx.Err()
}
