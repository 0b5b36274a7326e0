package scenario

import (
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
	// Cells are what can be called there.
	Cells map[string]Cell
	// From is when it comes, and Gone when churn takes it for good; 0 is from the
	// beginning, and never.
	From, Gone time.Duration
}

// alive says whether a node is to be there at a time. One that has just come is not
// expected to be found yet.
func (n Node) alive(at time.Duration) bool {
	return (n.From == 0 || n.From+settling <= at) && (n.Gone == 0 || at < n.Gone)
}

// settling is how long a newcomer has to make itself known.
const settling = 10 * time.Second

// place names the nodes and says where each lives.
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
				n.Link = first // they share it
			}
			lans[n.LAN] = n.Link
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// node makes a node of a group.
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

// draw makes one line of a description.
func (l Link) draw(r *rand.Rand) internet.Link {
	delay := l.Delay.Min
	if span := l.Delay.Max - l.Delay.Min; span > 0 {
		delay += time.Duration(r.Int64N(int64(span) + 1)).Round(time.Microsecond)
	}
	return internet.Link{Delay: delay, Loss: l.Loss, Rate: l.Rate.Bytes}
}

// Count is how many nodes there are at the beginning.
func (s Spec) Count() (total int) {
	for _, count := range s.counts() {
		total += count
	}
	return total
}

// counts divides the nodes among the groups: what is left over goes to those who were cut
// off most, so that each has its share to within one.
func (s Spec) counts() []int {
	counts, total, left := make([]int, len(s.Groups)), 0.0, s.Nodes
	for i, g := range s.Groups {
		counts[i] = g.Count
		total += g.Share
	}
	if total == 0 {
		return counts
	}
	type rest struct {
		group int
		part  float64
	}
	var rests []rest
	for i, g := range s.Groups {
		if g.Share == 0 {
			continue
		}
		whole, part := math.Modf(float64(s.Nodes) * g.Share / total)
		counts[i] = int(whole)
		left -= counts[i]
		rests = append(rests, rest{i, part})
	}
	slices.SortStableFunc(rests, func(a, b rest) int {
		switch {
		case a.part > b.part:
			return -1
		case a.part < b.part:
			return 1
		}
		return 0
	})
	for i := range left {
		counts[rests[i%len(rests)].group]++
	}
	return counts
}

// members are the nodes that the names, of groups or nodes, stand for; no name stands for all.
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

// The streams of random numbers: one for each thing that is left to chance, so that a
// change of one thing leaves the others as they were.
const (
	streamNodes = iota
	streamLoads
	streamEvents
)

func (s Spec) chance(stream, number int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.Seed), uint64(stream)<<32|uint64(number)))
}
