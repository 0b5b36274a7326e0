package testnet

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// Net is a set of nodes and what lies between them. Its methods may be called at any
// time, from any goroutine.
type Net struct {
	cfg   Config
	world *internet.Internet

	mu      sync.Mutex
	closed  bool
	nodes   []*Node
	names   map[string]*Node
	ids     map[address.ID]*Node
	sites   map[string]*internet.Site // of LANs with a name
	lans    map[*internet.Site]*lan
	lookups []Lookup
}

// New makes a net without nodes. Close gives everything back.
func New(cfg Config) (*Net, error) {
	if cfg.Mesh == "" {
		cfg.Mesh = "testnet"
	}
	if cfg.Mesh == "public" {
		return nil, errors.New(`testnet: the mesh "public" is that of the real internet: name another`)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Net{
		cfg:   cfg,
		world: internet.New(cfg.Seed),
		names: map[string]*Node{},
		ids:   map[address.ID]*Node{},
		sites: map[string]*internet.Site{},
		lans:  map[*internet.Site]*lan{},
	}, nil
}

// Add starts a node, and returns when it listens; Node.Joined waits until it is a member
// of the mesh.
func (n *Net) Add(cfg NodeConfig) (*Node, error) {
	added, err := n.enroll(cfg)
	if err != nil {
		return nil, fmt.Errorf("testnet: add %s: %w", cfg.Name, err)
	}
	return added, added.Restart()
}

// enroll makes a node that does not run yet.
func (n *Net) enroll(cfg NodeConfig) (*Node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errClosed
	}
	if cfg.Name == "" {
		cfg.Name = fmt.Sprintf("node%d", len(n.nodes)+1)
	}
	if n.names[cfg.Name] != nil {
		return nil, errors.New("there is one of this name")
	}
	if cfg.Cells == nil {
		cfg.Cells = map[string]Cell{"echo": Echo}
	}
	if cfg.Bootstrap == nil {
		cfg.Bootstrap = n.pillars()
	}
	site, err := n.site(cfg)
	if err != nil {
		return nil, err
	}
	host, err := site.Host()
	if err != nil {
		return nil, err
	}
	node := &Node{net: n, cfg: cfg, host: host, opened: map[address.ID]opened{}}
	if node.identity, err = seeded(n.cfg.Seed, cfg.Name); err != nil {
		return nil, err
	}
	if node.cells, err = newCells(cfg.Cells); err != nil {
		return nil, err
	}
	if node.policy, err = newPolicy(node.identity.ID(), cfg); err != nil {
		return nil, err
	}
	n.nodes = append(n.nodes, node)
	n.names[cfg.Name], n.ids[node.ID()] = node, node
	return node, nil
}

var errClosed = errors.New("the net is closed")

// maxPillars is how many nodes others begin with, if they name none.
const maxPillars = 3

// pillars are the first public nodes.
func (n *Net) pillars() []*Node {
	list := []*Node{}
	for _, node := range n.nodes {
		if node.cfg.Place.Kind == natlab.Public && len(list) < maxPillars {
			list = append(list, node)
		}
	}
	return list
}

// site is the network that a node lives in.
func (n *Net) site(cfg NodeConfig) (*internet.Site, error) {
	name := cfg.Place.LAN
	if name == "" {
		name = "/" + cfg.Name // no LAN is called so: it is nobody else's
	} else if cfg.Place.Kind == natlab.Public {
		return nil, fmt.Errorf("LAN %s: public nodes share no network: leave the LAN out, or the kind public", name)
	}
	if s := n.sites[name]; s != nil {
		if s.Kind() != cfg.Place.Kind {
			return nil, fmt.Errorf("LAN %s is of kind %v, and not %v", name, s.Kind(),
				cfg.Place.Kind)
		}
		if s.Hairpin() != cfg.Place.Hairpin {
			return nil, fmt.Errorf("LAN %s has a router with hairpin %v: its nodes have to agree",
				name, s.Hairpin())
		}
		return s, nil
	}
	link := n.cfg.Link
	if cfg.Link != nil {
		link = *cfg.Link
	}
	s, err := n.world.Site(cfg.Place.Kind, link)
	if err != nil {
		return nil, err
	}
	s.SetHairpin(cfg.Place.Hairpin)
	n.sites[name], n.lans[s] = s, newLAN()
	return s, nil
}

// seeded is the seed of a node's key.
func seeded(seed uint64, name string) (node.Identity, error) {
	return node.SeededIdentity(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed),
		name...)))
}

// Node returns a node by its name. It panics if there is none.
func (n *Net) Node(name string) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	node := n.names[name]
	if node == nil {
		panic("testnet: no node is called " + name)
	}
	return node
}

// Nodes are all that were added, in that order, those that were stopped or killed included.
func (n *Net) Nodes() []*Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.nodes)
}

// Close kills all nodes and ends everything. Close twice is fine. In real time libp2p may
// leave a goroutine behind for up to 3 s, which waits for nothing but the time.
func (n *Net) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	var group sync.WaitGroup
	all := n.Nodes()
	errs := make([]error, len(all))
	for i, node := range all {
		group.Go(func() { errs[i] = node.Kill() })
	}
	group.Wait()
	n.world.Close()
	if inBubble() { // which must have nothing in it at its end
		time.Sleep(linger)
	}
	return errors.Join(errs...)
}

// linger is how long libp2p may leave goroutines behind that wait for nothing but the time.
const linger = 5 * time.Second

// inBubble says whether time is virtual here: then it is not what the system says.
func inBubble() bool {
	var real syscall.Timeval
	err := syscall.Gettimeofday(&real)
	return err == nil && time.Since(time.Unix(real.Unix())).Abs() > time.Hour
}
