package testnet

import (
	"fmt"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Partition drops all packets between nodes of different groups. Nodes in no group form one
// more. Nodes of one LAN stay together, in the last group that names one of them. heal ends
// this partition; other partitions and cuts stay. Packets on their way still arrive.
func (n *Net) Partition(groups ...[]*Node) (heal func()) {
	sites := make([][]*internet.Site, len(groups))
	for i, group := range groups {
		for _, node := range group {
			sites[i] = append(sites[i], node.host.Site())
		}
	}
	return n.world.Partition(sites...)
}

// Heal ends all partitions and cuts.
func (n *Net) Heal() { n.world.Heal() }

// Cut drops all packets between two nodes; they may still find a route through a third.
// Their LANs are cut with them, and nodes of the same LAN can't be cut from each other.
// heal ends this cut.
func (n *Net) Cut(a, b *Node) (heal func()) { return n.world.Cut(a.host.Site(), b.host.Site()) }

// Renumber gives a router a new public address and makes it forget its connections, as
// internet providers do at night. name is a LAN, or a node with its own router.
func (n *Net) Renumber(name string) error {
	n.mu.Lock()
	site := n.sites[name]
	if node := n.names[name]; site == nil && node != nil {
		site = node.host.Site()
	}
	n.mu.Unlock()
	if site == nil {
		return fmt.Errorf("testnet: renumber %s: no LAN and no node has this name", name)
	}
	return site.Renumber()
}

// SetLink changes the link of a node, or of its LAN.
func (n *Net) SetLink(node *Node, link internet.Link) { node.host.Site().SetLink(link) }

// Stats returns what the net has carried so far.
func (n *Net) Stats() internet.Stats { return n.world.Stats() }
