package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cell-mesh/cell/testnet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// The ways of joining.
const (
	// Natural is how real stems do it: each begins with a few others, and gets to know more.
	Natural = "natural"
	// Preset fills the nodes' tables as if they had long been members, and lets
	// connections that are not used go. It is for nodes that are all public, in numbers
	// that would take too long, and too much memory, to join.
	Preset = "preset"
)

const (
	// maxNatural is how many nodes join naturally unless one asks for more.
	maxNatural = 300
)

// simulated is a network in memory.
type simulated struct {
	net  *testnet.Net
	way  string
	undo func() // what was set of the process

	trouble *trouble

	mu    sync.Mutex
	nodes map[string]Node
}

// chooseWay says how the nodes of a plan join, if nobody does.
func chooseWay(nodes []Node, asked string) (string, error) {
	public := !slices.ContainsFunc(nodes, func(n Node) bool {
		return n.Place.Kind != natlab.Public
	})
	switch {
	case asked == Preset && !public:
		return "", errors.New("some nodes are behind routers, and tables name addresses that anybody can call: they have to join naturally")
	case asked != "":
		return asked, nil
	case public && len(nodes) > maxNatural:
		return Preset, nil
	}
	return Natural, nil
}

func newSimulated(p *Plan, asked string) (*simulated, error) {
	way, err := chooseWay(p.Nodes, asked)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Nodes {
		if n.Place.Kind == natlab.TCPOnly {
			return nil, fmt.Errorf("%s is where only TCP gets through, which is not simulated: run it with --real, as root", n.Name)
		}
		for name, cell := range n.Cells {
			if cell.Does == DNA {
				return nil, fmt.Errorf("cell %s is a program, and simulated nodes run none: run it with --real, as root", name)
			}
		}
	}
	net, err := testnet.New(testnet.Config{Seed: uint64(p.Seed), Lean: way == Preset})
	if err != nil {
		return nil, err
	}
	return &simulated{net: net, way: way, undo: spare(way, len(p.Nodes)), trouble: newTrouble(),
		nodes: map[string]Node{}}, nil
}

func (s *simulated) begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
	told func(int)) (string, error) {
	if s.way == Preset {
		return s.preset(ctx, nodes, told)
	}
	return inTurn(ctx, nodes, ready, told, s.join)
}

func (s *simulated) preset(ctx context.Context, nodes []Node, told func(int)) (string, error) {
	for i, n := range nodes {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err := s.add(n, []*testnet.Node{}); err != nil {
			return "", err
		}
		told(i + 1)
	}
	return "with tables filled in advance", s.net.Preset()
}

// join starts a node and waits until it is a member, or ctx ends.
func (s *simulated) join(ctx context.Context, n Node) error {
	if err := s.add(n, nil); err != nil {
		return err
	}
	s.net.Node(n.Name).Joined(ctx) // fails when ctx ends
	return nil
}

// add starts a node. boot is where it begins; nil are the first public ones.
func (s *simulated) add(n Node, boot []*testnet.Node) error {
	s.mu.Lock()
	s.nodes[n.Name] = n
	s.mu.Unlock()
	cells := map[string]testnet.Cell{}
	for name, cell := range n.Cells {
		cells[name] = behaviour(cell)
	}
	_, err := s.net.Add(testnet.NodeConfig{
		Name:      n.Name,
		Place:     testnet.Place{Kind: n.Place.Kind, LAN: n.LAN, Hairpin: n.Hairpin},
		Link:      &n.Link,
		Cells:     cells,
		Bootstrap: boot,
	})
	return err
}

func behaviour(c Cell) testnet.Cell {
	switch c.Does {
	case Slow:
		return testnet.Slow(c.Wait.Duration)
	case Crash:
		return testnet.Crash
	case Silent:
		return testnet.Silent
	}
	return testnet.Echo
}
