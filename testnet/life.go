package testnet

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/stem"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// life is a node from its start to its end.
type life struct {
	node *node.Node
	door *door
	stop context.CancelFunc
	done chan struct{} // closed when all has ended, and err is what came of it
	err  error
}

// start does what `cell up` does, on a machine that is a value.
func (n *Node) start() (_ *life, err error) {
	// it comes after its network, which asks it whom to relay for
	var running atomic.Pointer[stem.Stem]
	friends := func() []address.ID {
		if s := running.Load(); s != nil {
			return s.Trusted()
		}
		return nil
	}
	log := n.net.cfg.Log.With("node", n.cfg.Name)
	listen := n.host.Addrs()
	relay := n.cfg.Relay
	if n.net.cfg.Lean {
		listen, relay = listen[:1], node.RelayNone
	}
	network, err := node.New(node.Config{
		Identity:  n.identity,
		Listen:    listen,
		Mesh:      n.net.cfg.Mesh,
		Bootstrap: n.bootstrap(),
		// who have no neighbours
		NoMDNS: n.cfg.NoMDNS || n.cfg.Place.Kind == natlab.Public ||
			n.cfg.Place.Kind == natlab.CGN,
		Resolver:    nowhere{},
		Relay:       relay,
		Friends:     friends,
		Looked:      n.looked,
		Unpublished: n.net.cfg.Lean || n.cfg.unpublished,
		Machine:     machine{n.host, n.net.lan(n.host)},
		Options:     n.net.options(),
		Log:         log,
	})
	if err != nil {
		return nil, err
	}
	l := &life{node: network, door: newDoor(), done: make(chan struct{})}
	s, err := stem.New(stem.Config{
		Claim:   new(socket.Lock),
		Network: observed{network, n},
		Tracer:  network,
		Wrapper: "none", // no cell is a program
		Log:     log,
		Parts:   stem.Parts{Cells: n.cells, Policy: n.policy, Door: l.door, Places: newPlaces()},
		Hooks: stem.Hooks{
			Record:   func(stem.Record) {},
			Describe: func() any { return network.Status() },
		},
	})
	if err != nil {
		return nil, errors.Join(err, network.Close())
	}
	running.Store(s)
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { // ends with stop; who calls that waits for done
		defer close(l.done)
		l.err = run(ctx, network, s)
	}()
	return l, nil
}

// run returns when everything of the node has ended. The network goes on while the stem
// lets its calls come to an end.
func run(ctx context.Context, network *node.Node, s *stem.Stem) error {
	online, stop := context.WithCancel(context.Background())
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return network.Run(online) })
	group.Go(func() error {
		defer stop()
		return s.Run(ctx)
	})
	return errors.Join(group.Wait(), network.Close())
}

// bootstrap is where the node begins, as multiaddrs.
func (n *Node) bootstrap() []string {
	var addrs []string
	for _, b := range n.cfg.Bootstrap {
		if b != n {
			addrs = append(addrs, b.multiaddrs()...)
		}
	}
	return addrs
}
