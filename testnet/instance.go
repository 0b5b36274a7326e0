package testnet

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/discovery"
	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/stem"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// instance is a node from one start to the next stop.
type instance struct {
	node   *node.Node
	socket *stemSocket
	// introduce puts members of the mesh into the node's routing table.
	introduce func(...peer.AddrInfo) error

	stop context.CancelFunc
	done chan struct{} // closed when everything has ended; then err is set
	err  error
}

// start does what "cell up" does, on a simulated host.
func (n *Node) start() (_ *instance, err error) {
	// The network is made first, and asks the stem for which peers to relay.
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
	var introduce func(...peer.AddrInfo) error
	options := []discovery.Option{discovery.OnLookup(n.looked), discovery.Introducer(&introduce)}
	if n.net.cfg.Lean || n.cfg.unpublished {
		options = append(options, discovery.Unpublished())
	}
	network, err := node.New(node.Config{
		Identity:  n.identity,
		Listen:    listen,
		Mesh:      n.net.cfg.Mesh,
		Bootstrap: n.bootstrap(),
		NoMDNS: n.cfg.NoMDNS || n.cfg.Place.Kind == natlab.Public ||
			n.cfg.Place.Kind == natlab.CGN, // where there are no neighbours
		Resolver:  noDNS{},
		Relay:     relay,
		Friends:   friends,
		Discovery: options,
		Machine:   simHost{n.host, n.net.lan(n.host)},
		Options:   n.net.options(),
		Log:       log,
	})
	if err != nil {
		return nil, err
	}
	i := &instance{node: network, socket: newStemSocket(), introduce: introduce,
		done: make(chan struct{})}
	s, err := stem.New(stem.Config{
		Claim:   new(socket.Lock),
		Network: routeRecorder{network, n},
		Tracer:  network,
		Wrapper: "none", // no cell is a program
		Log:     log,
		Parts: stem.Parts{Cells: n.cells, Policy: n.policy, Door: i.socket,
			Places: newPlaceMemory()},
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
	i.stop = stop
	go func() { // ends after stop, and then closes done
		defer close(i.done)
		i.err = run(ctx, network, s)
	}()
	return i, nil
}

// run returns when all of the node has ended. The network stays up while the stem lets its
// calls finish.
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

// bootstrap returns the multiaddrs of the node's bootstrap peers.
func (n *Node) bootstrap() []string {
	var addrs []string
	for _, b := range n.cfg.Bootstrap {
		if b != n {
			addrs = append(addrs, b.multiaddrs()...)
		}
	}
	return addrs
}
