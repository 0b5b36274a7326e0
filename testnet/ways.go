package testnet

import (
	"fmt"

	"github.com/cell-mesh/cell/testnet/internet"
)

// What lies between nodes, and may change at any time.

// Partition cuts all ways between nodes of different groups. Those that are in none are a
// group of their own. It lasts until heal is called, which undoes it and leaves other
// partitions and cuts as they are; packets that are under way still arrive. Nodes of one
// LAN stay together, in the last group that names one of them.
func (n *Net) Partition(groups ...[]*Node) (heal func()) {
	sites := make([][]*internet.Site, len(groups))
	for i, group := range groups {
		for _, node := range group {
			sites[i] = append(sites[i], node.host.Site())
		}
	}
	return n.world.Partition(sites...)
}

// Heal undoes all that Partition and Cut have done.
func (n *Net) Heal() { n.world.Heal() }

// Cut drops whatever one of two nodes sends to the other, directly: they may find a way
// over a third. It lasts until heal is called. Nodes of one LAN can't be cut from each
// other, and those who share it with one of them are cut, too.
func (n *Net) Cut(a, b *Node) (heal func()) { return n.world.Cut(a.host.Site(), b.host.Site()) }

// Renumber gives the router of a LAN, or of a node that has one of its own, another
// public address and has it forget its connections, as providers do at night. It takes
// the LAN's name, or the node's.
func (n *Net) Renumber(lan string) error {
	n.mu.Lock()
	site := n.sites[lan]
	if node := n.names[lan]; site == nil && node != nil {
		site = node.host.Site()
	}
	n.mu.Unlock()
	if site == nil {
		return fmt.Errorf("testnet: renumber %s: there is no LAN and no node of this name", lan)
	}
	return site.Renumber()
}

// SetLink changes the line of a node, or of its LAN.
func (n *Net) SetLink(node *Node, link internet.Link) { node.host.Site().SetLink(link) }

// Stats are what the net has carried so far.
func (n *Net) Stats() internet.Stats { return n.world.Stats() }
