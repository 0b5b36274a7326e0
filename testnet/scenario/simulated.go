package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet"
	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// The ways of joining, for Options.Join.
const (
	// Natural is how real stems join: each knows a few others and learns of more.
	Natural = "natural"
	// Preset fills the routing tables as if the nodes had long been members, and closes
	// connections that are not used. All nodes must be public. It is for numbers of nodes
	// for which Natural takes too much time and memory.
	Preset = "preset"
)

// maxNatural is how many nodes join naturally unless Options.Join says otherwise.
const maxNatural = 300

// simulated is a network in memory.
type simulated struct {
	net  *testnet.Net
	join string
	undo func() // restores the garbage collector's settings
}

// chooseJoin returns the way of joining that was asked for, or the one that fits.
func chooseJoin(nodes []Node, asked string) (string, error) {
	public := !slices.ContainsFunc(nodes, func(n Node) bool {
		return n.Place.Kind != natlab.Public
	})
	switch {
	case asked == Preset && !public:
		return "", errors.New("preset routing tables need public nodes, and some are behind " +
			"routers: let the nodes join naturally")
	case asked != "":
		return asked, nil
	case public && len(nodes) > maxNatural:
		return Preset, nil
	}
	return Natural, nil
}

func newSimulated(p *Plan, asked string) (*simulated, error) {
	join, err := chooseJoin(p.Nodes, asked)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Nodes {
		if n.Place.Kind == natlab.TCPOnly {
			return nil, fmt.Errorf("%s is behind a router that forwards only TCP, which is not "+
				"simulated: run it with --real, as root", n.Name)
		}
		for name, cell := range n.Cells {
			if cell.Does == DNA {
				return nil, fmt.Errorf("cell %s is a program, and simulated nodes run none: "+
					"run it with --real, as root", name)
			}
		}
	}
	net, err := testnet.New(testnet.Config{Seed: uint64(p.Seed), Lean: join == Preset})
	if err != nil {
		return nil, err
	}
	return &simulated{net, join, limitMemory(join, len(p.Nodes))}, nil
}

func (s *simulated) begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
	joined func(int)) (string, error) {
	if s.join == Natural {
		return joinNaturally(ctx, s, nodes, ready, joined)
	}
	for i, n := range nodes {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err := s.add(n, []*testnet.Node{}); err != nil {
			return "", err
		}
		joined(i + 1)
	}
	return "with preset routing tables", s.net.Preset()
}

func (s *simulated) start(_ context.Context, n Node) error { return s.add(n, nil) }

// add starts a node. If bootstrap is nil, it bootstraps from the first public nodes.
func (s *simulated) add(n Node, bootstrap []*testnet.Node) error {
	cells := map[string]testnet.Cell{}
	for name, cell := range n.Cells {
		switch cell.Does {
		case Slow:
			cells[name] = testnet.Slow(cell.Wait.Duration)
		case Crash:
			cells[name] = testnet.Crash
		case Silent:
			cells[name] = testnet.Silent
		default:
			cells[name] = testnet.Echo
		}
	}
	_, err := s.net.Add(testnet.NodeConfig{
		Name:      n.Name,
		Place:     testnet.Place{Kind: n.Place.Kind, LAN: n.LAN, Hairpin: n.Hairpin},
		Link:      &n.Link,
		Cells:     cells,
		Bootstrap: bootstrap,
	})
	return err
}

func (s *simulated) joined(ctx context.Context, name string) { s.net.Node(name).Joined(ctx) }

func (s *simulated) running(name string) bool { return s.net.Node(name).Running() }

func (s *simulated) up() (count int) {
	for _, n := range s.net.Nodes() {
		if n.Running() {
			count++
		}
	}
	return count
}

func (s *simulated) stop(_ context.Context, name string) error { return s.net.Node(name).Stop() }

func (s *simulated) kill(_ context.Context, name string) error { return s.net.Node(name).Kill() }

func (s *simulated) restart(_ context.Context, name string) error {
	return s.net.Node(name).Restart()
}

func (s *simulated) relays(_ context.Context, name string) (relays []string) {
	ids := s.net.Node(name).Status().Relays
	for _, n := range s.net.Nodes() {
		if slices.Contains(ids, n.ID().String()) {
			relays = append(relays, n.Name())
		}
	}
	return relays
}

func (s *simulated) cut(a, b string) (heal func()) {
	return s.net.Cut(s.net.Node(a), s.net.Node(b))
}

func (s *simulated) partition(sides [][]string) (heal func()) {
	groups := make([][]*testnet.Node, len(sides))
	for i, names := range sides {
		for _, name := range names {
			groups[i] = append(groups[i], s.net.Node(name))
		}
	}
	return s.net.Partition(groups...)
}

func (s *simulated) heal() { s.net.Heal() }

func (s *simulated) setLink(name string, link internet.Link) {
	s.net.SetLink(s.net.Node(name), link)
}

func (s *simulated) renumber(name string) error {
	if lan := s.net.Node(name).Place().LAN; lan != "" {
		name = lan
	}
	return s.net.Renumber(name)
}

func (s *simulated) call(ctx context.Context, c Call) (Record, int, error) {
	got := s.net.Node(c.From).Call(ctx, c.Cell+"@"+c.To, strings.Repeat("x", c.Bytes))
	r := Record{Call: c, Route: got.Route, Reached: got.Reached, Granted: got.Granted,
		FirstByte: got.FirstByte, Took: got.Took}
	if got.Lookup != nil {
		l := lookup(*got.Lookup)
		r.Lookup = &l
	}
	return r, got.Bytes, got.Err
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
