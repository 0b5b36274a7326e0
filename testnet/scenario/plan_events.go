package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
)

// event turns an event into steps and a mark.
func (p *Plan) event(s Spec, number int, r *rand.Rand) {
	e := s.Events[number]
	at, until := e.At.Duration, time.Duration(0)
	if e.For.Duration > 0 {
		until = min(at+e.For.Duration, p.Length)
	}
	step := Step{At: at, Event: number, Do: e.Do}
	if e.Do != Heal && e.Do != Partition {
		step.Nodes = names(s.members(e.Who))
	}
	switch e.Do {
	case Churn:
		if until == 0 {
			until = p.Length
		}
		p.Marks = append(p.Marks, Mark{at, until,
			fmt.Sprintf("%.3g %% of %s replaced per minute", e.Rate*100, summarize(e.Who))})
		p.churn(s, number, until, r)
		return
	case Partition:
		for _, side := range e.Sides {
			step.Sides = append(step.Sides, names(s.members(side)))
		}
	case Relink:
		link := e.Link.draw(r)
		step.Link = &link
	}
	p.Steps = append(p.Steps, step)
	if until > 0 {
		p.Steps = append(p.Steps, Step{At: until, Event: number, Do: End})
	}
	p.Marks = append(p.Marks, Mark{at, until, label(e)})
}

func names(nodes []Node) (names []string) {
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

// label describes an event in a few words.
func label(e Event) string {
	who := summarize(e.Who)
	switch e.Do {
	case Kill:
		return who + " killed"
	case Stop:
		return who + " stopped"
	case Restart:
		return who + " restarted"
	case KillRelay:
		return "relay of " + who + " killed"
	case Renumber:
		return "router of " + who + " renumbered"
	case Cut:
		return who + " cut"
	case Partition:
		var sides []string
		for _, side := range e.Sides {
			sides = append(sides, strings.Join(side, "+"))
		}
		if len(sides) == 1 {
			sides = append(sides, "the rest")
		}
		return "partition: " + strings.Join(sides, " | ")
	case Heal:
		return "healed"
	case Relink:
		return "new link for " + who
	}
	return e.Do
}

func summarize(names []string) string {
	switch {
	case len(names) == 0:
		return "all"
	case len(names) > 3:
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, ", ")
}

// dropGone removes nodes from restarts that come after churn has removed them.
func (p *Plan) dropGone() {
	gone := map[string]time.Duration{}
	for _, n := range p.Nodes {
		gone[n.Name] = n.Gone
	}
	for i, step := range p.Steps {
		if step.Do == Restart {
			p.Steps[i].Nodes = slices.DeleteFunc(step.Nodes, func(name string) bool {
				return gone[name] > 0 && gone[name] <= step.At
			})
		}
	}
}

// bootstrapNodes is how many public nodes the others bootstrap from. Churn leaves them alone.
const bootstrapNodes = 3

// churn kills nodes at random times, and starts another of the same group for each.
func (p *Plan) churn(s Spec, number int, until time.Duration, r *rand.Rand) {
	e := s.Events[number]
	groups, came, public := map[string]Group{}, map[string]int{}, 0
	for _, g := range s.Groups {
		groups[g.Name] = g
	}
	var there []int // indexes in p.Nodes of those that may be killed
	for i, n := range p.Nodes {
		came[n.Group]++
		if n.Place.Kind == natlab.Public {
			public++
			if public <= bootstrapNodes {
				continue
			}
		}
		if n.Gone == 0 && len(membersOf([]Node{n}, e.Who)) == 1 {
			there = append(there, i)
		}
	}
	if len(there) == 0 {
		return
	}
	pause := float64(time.Minute) / (e.Rate * float64(len(there)))
	for at := e.At.Duration; ; {
		at += time.Duration(r.ExpFloat64() * pause)
		if at >= until {
			return
		}
		who := r.IntN(len(there))
		old := &p.Nodes[there[who]]
		old.Gone = at
		came[old.Group]++
		fresh := s.node(groups[old.Group], fmt.Sprint(old.Group, came[old.Group]), r)
		fresh.From = at
		if fresh.LAN != "" {
			fresh.Link = old.Link
		}
		p.Steps = append(p.Steps,
			Step{At: at, Event: number, Do: Kill, Nodes: []string{old.Name}},
			Step{At: at, Event: number, Do: Join, Nodes: []string{fresh.Name}})
		there[who] = len(p.Nodes)
		p.Nodes = append(p.Nodes, fresh)
	}
}
