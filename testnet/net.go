package testnet

import (
	"context"
	"errors"
	"time"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Net is a set of nodes and what lies between them. Its methods may be called at any time, from any goroutine.
type Net struct{}

// New makes a net without nodes. Close gives everything back.
func New(cfg Config) (*Net, error) { return nil, errors.New("testnet: not built yet") }

// Add starts a node, and returns when it listens; Node.Joined waits until it is a member of the mesh. ctx covers the start alone.
func (n *Net) Add(ctx context.Context, cfg NodeConfig) (*Node, error) { return nil, nil }

// Node returns a node by its name. It panics if there is none.
func (n *Net) Node(name string) *Node { return nil }

// Nodes are all that were added, in that order, those that were stopped or killed included.
func (n *Net) Nodes() []*Node { return nil }

// Preset tells all nodes of each other as if they had long been members of the mesh: it fills their routing tables, from
// which connections are made when they are needed. It is for nodes that were added with Bootstrap empty, and
// that are all public: the tables name addresses that anybody can call.
func (n *Net) Preset() {}

// Partition cuts all ways between nodes of different groups. Those that are in none are a group of their own. It
// replaces an earlier partition; packets that are under way still arrive.
func (n *Net) Partition(groups ...[]*Node) {}

// Heal undoes Partition and Cut.
func (n *Net) Heal() {}

// Cut drops whatever one of two nodes sends to the other, directly: they may find a way over a third. Nodes of one LAN
// can't be cut from each other.
func (n *Net) Cut(a, b *Node) {}

// Renumber gives the router of a LAN, or of a node that has one of its own, another public address and has it forget its connections, as
// providers do at night. LAN is its name, or the name of the node.
func (n *Net) Renumber(lan string) error { return nil }

// SetLink changes the line of a node, or of its LAN.
func (n *Net) SetLink(node *Node, link internet.Link) {}

// Stats are what the net has carried so far.
func (n *Net) Stats() Stats { return Stats{} }

// Stats count since the net was made, over all nodes.
type Stats struct {
	Packets, Bytes uint64 // that were sent, lost ones included
	Lost           uint64 // by the lines' loss, their queues, cuts and partitions
	Refused        uint64 // by NATs, and sent to addresses where nobody is
}

// Close stops all nodes at once and ends everything. Close twice is fine.
func (n *Net) Close() error { return nil }

// Lookups are the searches in the mesh that the nodes have done so far, each once it is over.
func (n *Net) Lookups() []Lookup { return nil }

// Lookup is one search for a peer in the mesh.
type Lookup struct {
	From  *Node
	To    string        // the peer ID
	Found bool          // an address of it
	Asked int           // peers that were asked until then, which is how many messages were sent
	Hops  int           // how far the one that knew was from us: 1 is one that we knew already
	Took  time.Duration // until the first address
}
