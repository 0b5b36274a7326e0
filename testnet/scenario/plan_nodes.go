package scenario

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Node is one node of a Plan.
type Node struct {
	Name, Group string
	Place       Place
	LAN         string
	Hairpin     bool
	Link        internet.Link
	Cells       map[string]Cell
	// From is when churn adds the node, or 0 if it is there from the beginning. Gone is
	// when churn removes it, or 0.
	From, Gone time.Duration
}

// alive reports whether the node can be found at a time, by the plan.
func (n Node) alive(at time.Duration) bool {
	return (n.From == 0 || n.From+settling <= at) && (n.Gone == 0 || at < n.Gone)
}

// settling is how long a new node has to publish itself.
const settling = 10 * time.Second

// place returns the nodes that are there from the beginning.
func (s Spec) place() (nodes []Node) {
	counts := s.counts()
	lans := map[string]internet.Link{}
	for i, g := range s.Groups {
		for j := range counts[i] {
			name := g.Name
			if g.Count != 1 {
				name = fmt.Sprint(g.Name, j+1)
			}
			n := s.node(g, name, s.chance(streamNodes, len(nodes)))
			if first, ok := lans[n.LAN]; ok && n.LAN != "" {
				n.Link = first
			}
			lans[n.LAN] = n.Link
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// node returns a node of a group.
func (s Spec) node(g Group, name string, r *rand.Rand) Node {
	link := s.Link
	if g.Link != nil {
		link = *g.Link
	}
	n := Node{Name: name, Group: g.Name, Place: g.Place, LAN: g.LAN, Hairpin: g.Hairpin,
		Link: link.draw(r), Cells: map[string]Cell{}}
	for _, cell := range g.Cells {
		n.Cells[cell] = Cell{Does: Echo}
		if known, ok := s.Cells[cell]; ok {
			n.Cells[cell] = known
		}
	}
	if len(g.Cells) == 0 {
		n.Cells[Echo] = Cell{Does: Echo}
	}
	return n
}

// draw draws a link from a description.
func (l Link) draw(r *rand.Rand) internet.Link {
	delay := l.Delay.Min
	if span := l.Delay.Max - l.Delay.Min; span > 0 {
		delay += time.Duration(r.Int64N(int64(span) + 1)).Round(time.Microsecond)
	}
	return internet.Link{Delay: delay, Loss: l.Loss, Rate: l.Rate.Bytes}
}

// Count returns the number of nodes at the beginning.
func (s Spec) Count() (total int) {
	for _, count := range s.counts() {
		total += count
	}
	return total
}

// counts divides the nodes among the groups. Fractions are rounded down; the nodes left over
// go to the groups with the largest fractions.
func (s Spec) counts() []int {
	counts, total, left := make([]int, len(s.Groups)), 0.0, s.Nodes
	for i, g := range s.Groups {
		counts[i] = g.Count
		total += g.Share
	}
	if total == 0 {
		return counts
	}
	type fraction struct {
		group int
		size  float64
	}
	var fractions []fraction
	for i, g := range s.Groups {
		if g.Share == 0 {
			continue
		}
		whole, size := math.Modf(float64(s.Nodes) * g.Share / total)
		counts[i] = int(whole)
		left -= counts[i]
		fractions = append(fractions, fraction{i, size})
	}
	slices.SortStableFunc(fractions, func(a, b fraction) int { return cmp.Compare(b.size, a.size) })
	for i := range left {
		counts[fractions[i%len(fractions)].group]++
	}
	return counts
}

// members returns the nodes with these names, and those of groups with these names. No
// names mean all nodes.
func (s Spec) members(names []string) (nodes []Node) {
	return membersOf(s.place(), names)
}

func membersOf(all []Node, names []string) (nodes []Node) {
	for _, n := range all {
		if len(names) == 0 || slices.Contains(names, n.Name) || slices.Contains(names, n.Group) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// Each random thing has its own stream of random numbers, so that changing one leaves the
// others as they were.
const (
	streamNodes = iota
	streamLoads
	streamEvents
)

func (s Spec) chance(stream, number int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.Seed), uint64(stream)<<32|uint64(number)))
}
