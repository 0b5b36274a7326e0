package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/testnet"
	"github.com/cell-mesh/cell/testnet/internet"
)

// What happens to, and in, a simulated network.

func (s *simulated) do(_ context.Context, step Step, nodes []Node) error {
	switch step.Do {
	case Join:
		for _, n := range nodes {
			if err := s.add(n, nil); err != nil {
				return err
			}
		}
		return nil
	case End:
		return s.end(step.Event)
	case Kill, Stop, KillRelay:
		names, how := step.Nodes, (*testnet.Node).Kill
		switch step.Do {
		case KillRelay:
			names = s.relays(names)
		case Stop:
			how = (*testnet.Node).Stop
		}
		s.trouble.fell(step.Event, names)
		return s.each(names, how)
	case Restart:
		s.trouble.raised(step.Nodes)
		return s.restart(step.Nodes)
	case Renumber:
		return s.renumber(step.Nodes)
	case Cut:
		s.trouble.cut(step.Event, s.net.Cut(s.net.Node(step.Nodes[0]), s.net.Node(step.Nodes[1])))
	case Partition:
		var sides [][]*testnet.Node
		for _, names := range step.Sides {
			sides = append(sides, s.named(names))
		}
		s.trouble.cut(step.Event, s.net.Partition(sides...))
	case Heal:
		s.net.Heal()
	case Relink:
		s.trouble.relink(step.Event, step.Nodes, *step.Link)
		for _, n := range s.named(step.Nodes) {
			s.net.SetLink(n, *step.Link)
		}
	default:
		return fmt.Errorf("there is no event %s", step.Do)
	}
	return nil
}

// end undoes what an event has done.
func (s *simulated) end(event int) error {
	s.trouble.heal(event)
	for name, link := range s.trouble.unlink(event) {
		if link == nil {
			own := s.own(name)
			link = &own
		}
		s.net.SetLink(s.net.Node(name), *link)
	}
	return s.restart(s.trouble.rise(event))
}

// own is a node's own line.
func (s *simulated) own(name string) internet.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nodes[name].Link
}

func (s *simulated) named(names []string) (nodes []*testnet.Node) {
	for _, name := range names {
		nodes = append(nodes, s.net.Node(name))
	}
	return nodes
}

func (s *simulated) each(names []string, do func(*testnet.Node) error) error {
	var group errgroup.Group
	for _, n := range s.named(names) {
		group.Go(func() error { return do(n) })
	}
	return group.Wait()
}

// restart starts those that do not run.
func (s *simulated) restart(names []string) error {
	return s.each(names, func(n *testnet.Node) error {
		if n.Running() {
			return nil
		}
		return n.Restart()
	})
}

// relays are the nodes that relay for others.
func (s *simulated) relays(names []string) (relays []string) {
	ids := map[string]bool{}
	for _, n := range s.named(names) {
		for _, id := range n.Status().Relays {
			ids[id] = true
		}
	}
	for _, n := range s.net.Nodes() {
		if ids[n.ID().String()] {
			relays = append(relays, n.Name())
		}
	}
	return relays
}

// renumber does so once for those who share a router.
func (s *simulated) renumber(names []string) error {
	done := map[string]bool{}
	var errs []error
	for _, n := range s.named(names) {
		lan := n.Place().LAN
		if lan == "" {
			lan = n.Name()
		}
		if !done[lan] {
			done[lan] = true
			errs = append(errs, s.net.Renumber(lan))
		}
	}
	return errors.Join(errs...)
}

func (s *simulated) call(ctx context.Context, c Call) (Record, bool) {
	from := s.net.Node(c.From)
	if !from.Running() {
		return Record{}, false
	}
	got := from.Call(ctx, c.Cell+"@"+c.To, strings.Repeat("x", c.Bytes))
	r := Record{Call: c, Route: got.Route, Reached: got.Reached, Granted: got.Granted,
		FirstByte: got.FirstByte, Took: got.Took}
	if got.Lookup != nil {
		l := lookup(*got.Lookup)
		r.Lookup = &l
	}
	switch {
	case got.Err != nil:
		r.Err = got.Err.Error()
	case got.Bytes != c.Bytes:
		r.Err = fmt.Sprintf("%d bytes of %d came back", got.Bytes, c.Bytes)
	}
	return r, true
}

func (s *simulated) up() (count int) {
	for _, n := range s.net.Nodes() {
		if n.Running() {
			count++
		}
	}
	return count
}

func (s *simulated) sent() uint64 { return s.net.Stats().Bytes }

func (s *simulated) lookups(since time.Time) (all []Lookup) {
	for _, l := range s.net.Lookups() {
		if !l.Began.Before(since) {
			all = append(all, lookup(l))
		}
	}
	return all
}

func lookup(l testnet.Lookup) Lookup { return Lookup{l.Found, l.Asked, l.Hops, l.Took} }

func (s *simulated) finish([]Record) {}

func (s *simulated) close() error {
	defer s.undo()
	return s.net.Close()
}
