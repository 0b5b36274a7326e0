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

// Node is a stem of the net, on a machine of its own. Its methods may be called at any
// time, from any goroutine.
type Node struct {
	net      *Net
	cfg      NodeConfig
	host     *internet.Host
	identity node.Identity
	cells    *cells
	policy   policy

	turn sync.Mutex // held by who starts or ends the node

	mu     sync.Mutex
	life   *life // nil while the node does not run
	opened map[address.ID]opened
}

// Name is the node's in its net.
func (n *Node) Name() string { return n.cfg.Name }

// String is the node's name.
func (n *Node) String() string { return n.cfg.Name }

// ID is the node's peer ID.
func (n *Node) ID() address.ID { return n.identity.ID() }

// Place is where the node lives.
func (n *Node) Place() Place { return n.cfg.Place }

// Addrs are where the node can be reached, as it says itself: multiaddrs that end in
// /p2p/ID. There are none if it does not run.
func (n *Node) Addrs() []string {
	if l := n.alive(); l != nil {
		return l.node.Addrs()
	}
	return nil
}

// Status is what the network says of itself; the zero Status if the node does not run.
func (n *Node) Status() node.Status {
	if l := n.alive(); l != nil {
		return l.node.Status()
	}
	return node.Status{}
}

// Running says whether the node runs.
func (n *Node) Running() bool { return n.alive() != nil }

func (n *Node) alive() *life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life
}

// lookEvery is the time between two looks at whether a node has joined.
const lookEvery = 50 * time.Millisecond

// Joined waits until the node knows others of its mesh, and can be found by them: it
// serves in the DHT itself, or has a relay, and has told them where it is; or is the
// first.
func (n *Node) Joined(ctx context.Context) error {
	first, mute := len(n.cfg.Bootstrap) == 0, n.net.cfg.Lean || n.cfg.unpublished
	for {
		l := n.alive()
		if l == nil {
			return fmt.Errorf("testnet: %s: %w", n, errStopped)
		}
		s := l.node.Status()
		known := first || s.DHT.Peers > 0 && (mute || !s.DHT.Published.IsZero())
		if known && (s.DHT.Mode == "server" || len(s.Relays) > 0) {
			return nil
		}
		select {
		case <-time.After(lookEvery):
		case <-l.done:
		case <-ctx.Done():
			return fmt.Errorf("testnet: %s has not joined: it knows %d members and %d relays: %w",
				n, s.DHT.Peers, len(s.Relays), ctx.Err())
		}
	}
}

var errStopped = errors.New("does not run")

// Stop ends the node in order: its calls have a grace period, its peers are told. It does
// nothing if the node does not run.
func (n *Node) Stop() error {
	return n.end(func(l *life) { l.stop() })
}

// Kill ends the node without a word: for its peers it has fallen silent. It does nothing
// if the node does not run.
func (n *Node) Kill() error {
	return n.end(func(l *life) {
		n.host.Unplug()
		// first, or a call that does not notice that its network is gone would be waited
		// for
		l.stop()
		l.node.Close()
	})
}

func (n *Node) end(how func(*life)) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	l := n.alive()
	if l == nil {
		return nil
	}
	how(l)
	<-l.done
	n.mu.Lock()
	n.life = nil
	n.mu.Unlock()
	return l.err
}

// Restart starts the node, or starts it anew, with the same key at the same place. It has
// forgotten everything else.
func (n *Node) Restart() error {
	if err := n.Stop(); err != nil {
		return err
	}
	n.turn.Lock()
	defer n.turn.Unlock()
	n.net.mu.Lock()
	closed := n.net.closed
	n.net.mu.Unlock()
	if closed {
		return fmt.Errorf("testnet: start %s: %w", n, errClosed)
	}
	n.host.Plug()
	l, err := n.start()
	if err != nil {
		return fmt.Errorf("testnet: start %s: %w", n, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.life = l
	return nil
}
