package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// maxReal is how many nodes may be processes.
const maxReal = 100

// real is a network of the kernel's: each node is a process in a network namespace.
type real struct {
	lab  *natlab.Lab
	dir  string // of the homes
	cell string
	byID map[string]string // names by peer IDs, once they have joined

	trouble *trouble

	mu    sync.Mutex
	nodes map[string]*machine
	order []*machine // public ones, as they joined
}

// machine is a node with its home.
type machine struct {
	Node
	host  *natlab.Host
	home  local.Node
	id    string
	boot  []string // the flags that it was started with
	addrs []string
	pid   atomic.Int64 // of its stem; 0 while none runs
}

// possible says what a plan asks for that the kernel's networks can't do.
func possible(p *Plan) error {
	if len(p.Nodes) > maxReal {
		return fmt.Errorf("%d nodes, those that come later among them: as processes there can be %d", len(p.Nodes), maxReal)
	}
	for _, n := range p.Nodes {
		if n.Hairpin {
			return fmt.Errorf("%s: the kernel's routers make no hairpins: leave out --real, or hairpin", n.Name)
		}
	}
	return natlab.Check()
}

func newReal(p *Plan, opts Options) (_ network, err error) {
	if opts.Join == Preset {
		return nil, errors.New("processes join naturally: tables can't be filled from outside")
	}
	if err := possible(p); err != nil {
		return nil, err
	}
	r := &real{cell: opts.Cell, trouble: newTrouble(), byID: map[string]string{},
		nodes: map[string]*machine{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.dir, err = os.MkdirTemp("", "ct"); err != nil { // short, since it has to hold sockets
		return nil, err
	}
	if r.lab, err = natlab.New(natlab.Config{}, sites(p.Nodes)...); err != nil {
		return nil, err
	}
	for i, n := range p.Nodes {
		h, err := home.At(filepath.Join(r.dir, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		m := &machine{Node: n, host: r.lab.Host(n.Name), home: local.Node{Name: n.Name, Home: h}}
		if err := m.furnish(); err != nil {
			return nil, err
		}
		r.nodes[n.Name], r.byID[m.id] = m, n.Name
	}
	return r, nil
}

// sites are the networks that the nodes live in: one for each LAN, and one for each node
// that is in none.
func sites(nodes []Node) (sites []natlab.Site) {
	lans := map[string]int{}
	for _, n := range nodes {
		if at, ok := lans[n.LAN]; ok && n.LAN != "" {
			sites[at].Hosts = append(sites[at].Hosts, n.Name)
			continue
		}
		lans[n.LAN] = len(sites)
		sites = append(sites, n.Place.Site(n.Name).Over(n.Link))
	}
	return sites
}

func (r *real) begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
	told func(int)) (string, error) {
	how, err := inTurn(ctx, nodes, ready, told, r.join)
	return how + ", as processes on real networks", err
}

// join starts a node and waits until it is a member.
func (r *real) join(ctx context.Context, n Node) error {
	r.mu.Lock()
	m := r.nodes[n.Name]
	for _, other := range r.order[:min(stays, len(r.order))] {
		m.boot = append(m.boot, other.bootstrap()...)
	}
	r.mu.Unlock()
	if err := m.start(ctx, r.cell); err != nil {
		return err
	}
	if n.Place.Kind == natlab.Public {
		r.mu.Lock()
		r.order = append(r.order, m)
		r.mu.Unlock()
	}
	return m.joined(ctx)
}

func (r *real) up() (count int) {
	for _, m := range r.nodes {
		if m.runs() {
			count++
		}
	}
	return count
}

// close ends all stems and cells, and removes the lab and the homes.
func (r *real) close() (err error) {
	if r.lab != nil {
		err = r.lab.Close() // which kills whatever runs in it
	}
	for _, m := range r.nodes {
		m.reap()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}

func (r *real) hosts(names []string) (hosts []*natlab.Host) {
	for _, m := range r.named(names) {
		hosts = append(hosts, m.host)
	}
	return hosts
}

func (r *real) named(names []string) (machines []*machine) {
	for _, name := range names {
		machines = append(machines, r.nodes[name])
	}
	slices.SortFunc(machines, func(a, b *machine) int { return cmp.Compare(a.Name, b.Name) })
	return machines
}
