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

// Net is a set of nodes and the network between them. Its methods may be called from
// several goroutines.
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

// New returns a net without nodes. The caller closes it.
func New(cfg Config) (*Net, error) {
	if cfg.Mesh == "" {
		cfg.Mesh = "testnet"
	}
	if cfg.Mesh == "public" {
		return nil, errors.New(`testnet: the mesh "public" is the real one: name another`)
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

// Add starts a node and returns when it listens. Node.Joined waits until it has joined the
// mesh.
func (n *Net) Add(cfg NodeConfig) (*Node, error) {
	added, err := n.newNode(cfg)
	if err != nil {
		return nil, fmt.Errorf("testnet: add %s: %w", cfg.Name, err)
	}
	return added, added.Restart()
}

// newNode adds a node that does not run yet.
func (n *Net) newNode(cfg NodeConfig) (*Node, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errClosed
	}
	if cfg.Name == "" {
		cfg.Name = fmt.Sprintf("node%d", len(n.nodes)+1)
	}
	if n.names[cfg.Name] != nil {
		return nil, errors.New("the name is taken")
	}
	if cfg.Cells == nil {
		cfg.Cells = map[string]Cell{"echo": Echo}
	}
	if cfg.Bootstrap == nil {
		cfg.Bootstrap = n.firstPublic()
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
	node.policy = newPolicy(node.ID(), cfg.Trust, node.cells.do)
	n.nodes = append(n.nodes, node)
	n.names[cfg.Name], n.ids[node.ID()] = node, node
	return node, nil
}

var errClosed = errors.New("the net is closed")

// maxBootstrap is how many nodes a node bootstraps from by default.
const maxBootstrap = 3

func (n *Net) firstPublic() []*Node {
	list := []*Node{}
	for _, node := range n.nodes {
		if node.cfg.Place.Kind == natlab.Public && len(list) < maxBootstrap {
			list = append(list, node)
		}
	}
	return list
}

// site returns the network that a node lives in; the first node of a LAN creates it.
func (n *Net) site(cfg NodeConfig) (*internet.Site, error) {
	name := cfg.Place.LAN
	if name == "" {
		name = "/" + cfg.Name // differs from the names of LANs
	} else if cfg.Place.Kind == natlab.Public {
		return nil, fmt.Errorf("LAN %s: public nodes share no LAN: remove it, or choose "+
			"another kind", name)
	}
	if s := n.sites[name]; s != nil {
		if s.Kind() != cfg.Place.Kind {
			return nil, fmt.Errorf("LAN %s is of kind %v, not %v", name, s.Kind(), cfg.Place.Kind)
		}
		if s.Hairpin() != cfg.Place.Hairpin {
			return nil, fmt.Errorf("LAN %s has hairpin %v: its nodes must agree", name, s.Hairpin())
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
	n.sites[name], n.lans[s] = s, &lan{}
	return s, nil
}

func (n *Net) lan(h *internet.Host) *lan {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lans[h.Site()]
}

// seeded derives a node's key from the net's seed and the node's name.
func seeded(seed uint64, name string) (node.Identity, error) {
	return node.SeededIdentity(sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed),
		name...)))
}

// Node returns a node by name. It panics if there is none.
func (n *Net) Node(name string) *Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	node := n.names[name]
	if node == nil {
		panic("testnet: no node is called " + name)
	}
	return node
}

// Nodes returns all nodes in the order of Add, including those that do not run.
func (n *Net) Nodes() []*Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.nodes)
}

// Close kills all nodes. It may be called twice. In real time libp2p may leave a goroutine
// behind that ends within 3 s.
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
	if inBubble() { // no goroutine may outlive a bubble
		time.Sleep(linger)
	}
	return errors.Join(errs...)
}

// linger is longer than the timers that libp2p leaves running.
const linger = 5 * time.Second

// inBubble reports whether time is virtual: then it differs from the system's.
func inBubble() bool {
	var real syscall.Timeval
	err := syscall.Gettimeofday(&real)
	return err == nil && time.Since(time.Unix(real.Unix())).Abs() > time.Hour
}
