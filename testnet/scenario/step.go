package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// do carries out a step.
func (r *run) do(ctx context.Context, step Step) error {
	switch step.Do {
	case Join:
		return r.each(step.Nodes, func(name string) error {
			return r.net.start(ctx, r.nodes[name])
		})
	case End:
		return r.undo(ctx, step.Event)
	case Kill, Stop, KillRelay:
		names, end := step.Nodes, r.net.kill
		switch step.Do {
		case Stop:
			end = r.net.stop
		case KillRelay:
			names = r.relays(ctx, names)
		}
		r.effects.stopped(step.Event, names)
		return r.each(names, func(name string) error { return end(ctx, name) })
	case Restart:
		r.effects.started(step.Nodes)
		return r.restart(ctx, step.Nodes)
	case Renumber:
		return r.renumber(step.Nodes)
	case Cut:
		r.effects.cut(step.Event, r.net.cut(step.Nodes[0], step.Nodes[1]))
	case Partition:
		r.effects.cut(step.Event, r.net.partition(step.Sides))
	case Heal:
		r.net.heal()
	case Relink:
		r.effects.relinked(step.Event, step.Nodes, *step.Link)
		for _, name := range step.Nodes {
			r.net.setLink(name, *step.Link)
		}
	default:
		return fmt.Errorf("unknown event %s", step.Do)
	}
	return nil
}

// undo ends what an event has done, unless another event keeps it up.
func (r *run) undo(ctx context.Context, event int) error {
	r.effects.heal(event)
	for name, link := range r.effects.restoreLinks(event) {
		if link == nil {
			own := r.nodes[name].Link
			link = &own
		}
		r.net.setLink(name, *link)
	}
	return r.restart(ctx, r.effects.release(event))
}

func (r *run) each(names []string, do func(name string) error) error {
	var group errgroup.Group
	for _, name := range names {
		group.Go(func() error { return do(name) })
	}
	return group.Wait()
}

// restart starts the nodes that do not run.
func (r *run) restart(ctx context.Context, names []string) error {
	return r.each(names, func(name string) error {
		if r.net.running(name) {
			return nil
		}
		return r.net.restart(ctx, name)
	})
}

// relays returns the nodes that relay for others, each once.
func (r *run) relays(ctx context.Context, names []string) (relays []string) {
	seen := map[string]bool{}
	for _, name := range names {
		for _, relay := range r.net.relays(ctx, name) {
			if !seen[relay] {
				seen[relay] = true
				relays = append(relays, relay)
			}
		}
	}
	return relays
}

// renumber renumbers each router once, however many of the nodes are behind it.
func (r *run) renumber(names []string) error {
	done := map[string]bool{}
	var errs []error
	for _, name := range names {
		if lan := cmp.Or(r.nodes[name].LAN, "/"+name); !done[lan] {
			done[lan] = true
			errs = append(errs, r.net.renumber(name))
		}
	}
	return errors.Join(errs...)
}
