package scenario

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/testnet/natlab"
)

const (
	// MaxNodes is the most nodes a scenario may start with.
	MaxNodes = 20_000
	// MaxChurn is the largest Event.Rate.
	MaxChurn = 1.0
	// maxLAN is how many nodes may share a router.
	maxLAN = 200
	// maxBytes is the largest Load.Bytes.
	maxBytes = 64 << 20
)

// fault returns the first error in the Spec, or nil.
func (s Spec) fault() *fault {
	c := &checker{cells: []string{Echo}}
	top := c.in("", 0, "")
	top(s.Seed >= 0, "seed", "seed %d is negative: write a whole number from 0", s.Seed)
	top(s.Nodes >= 0 && s.Nodes <= MaxNodes, "nodes",
		"nodes = %d: write 1 to %d", s.Nodes, MaxNodes)
	top(len(s.Groups) > 0, "group", "there is no [[group]] of nodes")
	c.link("link", -1, "loss", s.Link)
	for _, name := range slices.Sorted(maps.Keys(s.Cells)) {
		c.cell(name, s.Cells[name])
	}
	for i, g := range s.Groups {
		c.group(i, g, s)
	}
	c.whole(s)
	if c.fault != nil {
		return c.fault
	}
	taken := map[string]bool{}
	for _, n := range s.place() {
		i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == n.Group })
		c.in("group", i, "")(!taken[n.Name], "name",
			"another group already has a node %s: choose another name", n.Name)
		taken[n.Name] = true
		c.names = append(c.names, n.Name)
	}
	for _, g := range s.Groups {
		c.names = append(c.names, g.Name)
	}
	for i, l := range s.Loads {
		c.load(i, l)
	}
	for i, e := range s.Events {
		c.event(i, e, s)
	}
	return c.fault
}

func (c *checker) link(table string, number int, key string, l Link) {
	c.in(table, number, "")(l.Loss >= 0 && l.Loss <= 1, key,
		"loss = %v: write a share, from 0 to 1", l.Loss)
}

func (c *checker) cell(name string, cell Cell) {
	say := c.in("cell", 0, name)
	parsed, err := address.ParseName(name)
	say(err == nil, "", "%v", err)
	say(!parsed.Reserved(), "", `names that begin with "stem." are reserved: choose another`)
	say(slices.Contains([]string{Echo, Slow, Crash, Silent, DNA}, cell.Does), "does",
		"does = %q: write echo, slow, crash, silent or dna", cell.Does)
	say(cell.Does != Slow || cell.Wait.Duration > 0, "does",
		`a slow cell needs wait, as in wait = "200ms"`)
	say(cell.Does == Slow || cell.Wait.Duration == 0, "wait",
		`only a slow cell waits: remove wait, or write does = "slow"`)
	say(cell.Does != DNA || cell.Program != "", "does",
		"a dna cell needs program, the path of an executable")
	say(cell.Does == DNA || cell.Program == "", "program",
		`only a dna cell has a program: remove it, or write does = "dna"`)
	c.cells = append(c.cells, name)
}

func (c *checker) group(i int, g Group, s Spec) {
	say := c.in("group", i, "")
	_, err := address.ParsePetname(g.Name)
	say(err == nil && g.Name == strings.ToLower(g.Name), "name",
		"name = %q: write a word in lower case, as in home", g.Name)
	for _, other := range s.Groups[:i] {
		say(other.Name != g.Name, "name", "there already is a group %s", g.Name)
		if g.LAN == "" || other.LAN != g.LAN {
			continue
		}
		same := func(same bool, key string) {
			say(same, key, "%s and %s share the LAN %s, but differ in %s: write the same in both",
				other.Name, g.Name, g.LAN, key)
		}
		same(other.Place == g.Place, "place")
		same(other.Hairpin == g.Hairpin, "hairpin")
		same(reflect.DeepEqual(other.Link, g.Link), "link")
	}
	say(g.Count >= 0 && g.Count <= MaxNodes, "count",
		"count = %d: write 1 to %d", g.Count, MaxNodes)
	say(g.Share >= 0 && g.Share <= 1e6, "share", "share = %v: write a number above 0", g.Share)
	say((g.Count > 0) != (g.Share > 0), "count", "%s needs either count or share", g.Name)
	say(g.Share == 0 || s.Nodes > 0, "share",
		"%s has a share of nodes, which is 0: write nodes = 50 at the top, or a count here", g.Name)
	say(g.LAN == "" || g.Place.Kind != natlab.Public, "lan",
		`public nodes share no LAN: remove lan, or write a place, as in place = "eim"`)
	say(!g.Hairpin || g.LAN != "", "hairpin",
		`hairpin is for nodes that share a router: write lan, as in lan = "office", `+
			`or remove hairpin`)
	if g.Link != nil {
		c.link("group", i, "link", *g.Link)
	}
	for _, cell := range g.Cells {
		say(slices.Contains(c.cells, cell), "cells",
			"there is no cell %q: add [cell.%s], or write one of %s", cell, cell,
			strings.Join(c.cells, ", "))
	}
}

// whole checks all groups together.
func (c *checker) whole(s Spec) {
	top := c.in("", 0, "")
	if c.fault != nil {
		return // there may be no counts
	}
	lans := map[string]int{}
	for i, count := range s.counts() {
		lans[s.Groups[i].LAN] += count
	}
	for _, lan := range slices.Sorted(maps.Keys(lans)) {
		top(lan == "" || lans[lan] <= maxLAN, "group",
			"the LAN %s has %d nodes: at most %d can share a router", lan, lans[lan], maxLAN)
	}
	top(s.Count() <= MaxNodes, "nodes", "%d nodes in total: write at most %d", s.Count(), MaxNodes)
}

func (c *checker) load(i int, l Load) {
	say := c.in("load", i, "")
	for key, names := range map[string][]string{"from": l.From, "to": l.To} {
		unknown, ok := c.knows(names)
		say(ok, key, "no group and no node is called %q", unknown)
	}
	say(l.Cell == "" || slices.Contains(c.cells, l.Cell), "cell",
		"there is no cell %q: write one of %s", l.Cell, strings.Join(c.cells, ", "))
	say(l.Every.Duration > 0, "every",
		`every is missing: write the pause between calls, as in every = "10s"`)
	say(l.Calls >= 0, "calls", "calls = %d is negative", l.Calls)
	say(l.Bytes >= 0 && l.Bytes <= maxBytes, "bytes",
		"bytes = %d: write 0 to %d", l.Bytes, maxBytes)
	say(l.End.Duration == 0 || l.End.Duration > l.Begin.Duration, "end", "it ends before it begins")
}

// eventKeys are the keys that an event must and may have, besides at and do.
var eventKeys = map[string]struct{ must, may []string }{
	Kill:      {[]string{"who"}, []string{"for"}},
	Stop:      {[]string{"who"}, []string{"for"}},
	Restart:   {[]string{"who"}, nil},
	KillRelay: {[]string{"who"}, []string{"for"}},
	Renumber:  {[]string{"who"}, nil},
	Cut:       {[]string{"who"}, []string{"for"}},
	Partition: {[]string{"sides"}, []string{"for"}},
	Heal:      {nil, nil},
	Relink:    {[]string{"who", "link"}, []string{"for"}},
	Churn:     {[]string{"rate"}, []string{"who", "for"}},
}

func (c *checker) event(i int, e Event, s Spec) {
	say := c.in("event", i, "")
	keys, ok := eventKeys[e.Do]
	say(ok, "do", "do = %q: write one of %s", e.Do,
		strings.Join(slices.Sorted(maps.Keys(eventKeys)), ", "))
	if !ok {
		return
	}
	has := map[string]bool{"who": len(e.Who) > 0, "sides": len(e.Sides) > 0, "link": e.Link != nil,
		"rate": e.Rate != 0, "for": e.For.Duration != 0}
	for _, key := range []string{"who", "sides", "link", "rate", "for"} {
		say(has[key] || !slices.Contains(keys.must, key), "do", "%s needs %s", e.Do, key)
		say(!has[key] || slices.Contains(keys.must, key) || slices.Contains(keys.may, key), key,
			"%s takes no %s: remove it", e.Do, key)
	}
	for _, names := range append(slices.Clone(e.Sides), e.Who) {
		unknown, ok := c.knows(names)
		say(ok, map[bool]string{true: "who", false: "sides"}[len(e.Who) > 0],
			"no group and no node is called %q", unknown)
	}
	say(e.Do != Cut || len(s.members(e.Who)) == 2, "who",
		`a cut is between two nodes: for more, write do = "partition"`)
	say(e.Rate >= 0 && e.Rate <= MaxChurn, "rate",
		"rate = %v: write the share of nodes to replace per minute, at most %v, as in 0.1", e.Rate,
		MaxChurn)
	public := slices.ContainsFunc(s.members(e.Who), func(n Node) bool {
		return n.Place.Kind == natlab.Public
	})
	say(e.Do != Renumber || !public, "who", "public nodes have no router to renumber")
	if e.Link != nil {
		c.link("event", i, "link", *e.Link)
	}
	say(e.At.Duration <= s.length(), "at",
		"the scenario ends after %v: write a longer duration, or an earlier time", s.length())
}
