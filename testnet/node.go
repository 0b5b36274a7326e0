package testnet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/testnet/internet"
)

// Node is a stem on its own host of the net. Its methods may be called from several
// goroutines.
type Node struct {
	net      *Net
	cfg      NodeConfig
	host     *internet.Host
	identity node.Identity
	cells    *cells
	policy   policy

	starting sync.Mutex // held while the node starts or ends

	mu       sync.Mutex
	instance *instance // nil while the node does not run
	opened   map[address.ID]opened
}

// Name returns the node's name in the net.
func (n *Node) Name() string { return n.cfg.Name }

// String returns the node's name.
func (n *Node) String() string { return n.cfg.Name }

// ID returns the node's peer ID.
func (n *Node) ID() address.ID { return n.identity.ID() }

// Place returns where the node lives.
func (n *Node) Place() Place { return n.cfg.Place }

// Addrs returns the multiaddrs that the node publishes, which end in /p2p/ID, or nil if it
// does not run.
func (n *Node) Addrs() []string {
	if i := n.running(); i != nil {
		return i.node.Addrs()
	}
	return nil
}

// Status returns the state of the node's network, or the zero Status if it does not run.
func (n *Node) Status() node.Status {
	if i := n.running(); i != nil {
		return i.node.Status()
	}
	return node.Status{}
}

// Running reports whether the node runs.
func (n *Node) Running() bool { return n.running() != nil }

func (n *Node) running() *instance {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.instance
}

// joinedEvery is how often Joined checks.
const joinedEvery = 50 * time.Millisecond

// Joined waits until the node knows others of its mesh and they can find it: it is a DHT
// server or has a relay, and has published its addresses. The first node need not know
// others.
func (n *Node) Joined(ctx context.Context) error {
	first, mute := len(n.cfg.Bootstrap) == 0, n.net.cfg.Lean || n.cfg.unpublished
	for {
		i := n.running()
		if i == nil {
			return fmt.Errorf("testnet: %s: %w", n, errStopped)
		}
		s := i.node.Status()
		known := first || s.DHT.Peers > 0 && (mute || !s.DHT.Published.IsZero())
		if known && (s.DHT.Mode == "server" || len(s.Relays) > 0) {
			return nil
		}
		select {
		case <-time.After(joinedEvery):
		case <-i.done:
		case <-ctx.Done():
			return fmt.Errorf("testnet: %s has not joined: it knows %d members and %d relays: %w",
				n, s.DHT.Peers, len(s.Relays), ctx.Err())
		}
	}
}

var errStopped = errors.New("the node does not run")

// Stop stops the node in order: its calls may finish, and its peers are told. It does
// nothing if the node does not run.
func (n *Node) Stop() error {
	return n.end(func(i *instance) { i.stop() })
}

// Kill stops the node so that its peers see it fall silent. It does nothing if the node
// does not run.
func (n *Node) Kill() error {
	return n.end(func(i *instance) {
		n.host.Unplug()
		// Stop first: the stem may wait for a call that does not notice that its network
		// is gone.
		i.stop()
		i.node.Close()
	})
}

func (n *Node) end(how func(*instance)) error {
	n.starting.Lock()
	defer n.starting.Unlock()
	i := n.running()
	if i == nil {
		return nil
	}
	how(i)
	<-i.done
	n.mu.Lock()
	defer n.mu.Unlock()
	n.instance = nil
	return i.err
}

// Restart stops the node if it runs and starts it, with the same key at the same place. The
// node forgets everything else.
func (n *Node) Restart() error {
	if err := n.Stop(); err != nil {
		return err
	}
	n.starting.Lock()
	defer n.starting.Unlock()
	n.net.mu.Lock()
	closed := n.net.closed
	n.net.mu.Unlock()
	if closed {
		return fmt.Errorf("testnet: start %s: %w", n, errClosed)
	}
	n.host.Plug()
	i, err := n.start()
	if err != nil {
		return fmt.Errorf("testnet: start %s: %w", n, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.instance = i
	return nil
}
