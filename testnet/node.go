package testnet

import (
	"context"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/node"
)

// Node is a stem of the net, on a machine of its own.
type Node struct{}

// Name is the node's in its net.
func (n *Node) Name() string { return "" }

// ID is the node's peer ID.
func (n *Node) ID() address.ID { return address.ID{} }

// Place is where the node lives.
func (n *Node) Place() Place { return Place{} }

// Addrs are where the node can be reached, as it says itself: multiaddrs that end in /p2p/ID.
func (n *Node) Addrs() []string { return nil }

// Joined waits until the node knows others of its mesh, and can be found by them if it needs a relay for that.
func (n *Node) Joined(ctx context.Context) error { return nil }

// Status is what the network says of itself; the zero Status if the node does not run.
func (n *Node) Status() node.Status { return node.Status{} }

// Running says whether the node runs.
func (n *Node) Running() bool { return false }

// Stop ends the node in order: its calls have a grace period, its peers are told.
func (n *Node) Stop() error { return nil }

// Kill ends the node without a word: for its peers it has fallen silent.
func (n *Node) Kill() error { return nil }

// Restart starts a node that was stopped or killed anew, with the same key at the same place. It has forgotten everything else.
func (n *Node) Restart(ctx context.Context) error { return nil }
