package testnet

import (
	"log/slog"

	"github.com/cell-mesh/cell/testnet/internet"
)

// Config says how a Net is. The zero Config is one without delay, in which nothing is lost.
type Config struct {
	// Mesh is the private mesh that the nodes form. If empty, "testnet".
	Mesh string
	// Seed decides what is left to chance: the nodes' keys and what is lost on the way.
	Seed uint64
	// Link is that of every node that has none of its own.
	Link internet.Link
	// Lean leaves out what a public node does to find out that it is one, and to keep
	// count of its peers: half of the memory of a node without connections; and its
	// record in the mesh, which does without those of its servers. It is for thousands of
	// nodes that are all public.
	Lean bool
	// Log hears what the nodes' owners would, with the name of the node. If nil, nobody does.
	Log *slog.Logger
}

// NodeConfig says who a node is, where, and what it has to offer. The zero value is a
// public node that echoes.
type NodeConfig struct {
	// Name is the node's in this net. If empty, node1, node2 and so on, by the order of Add.
	Name string
	// Place is where the node lives.
	Place Place
	// Link is the node's, or that of its LAN if it is the first one in it. If nil, that of the Net.
	Link *internet.Link
	// Cells are what can be called here, by their names. If nil, there is one: echo.
	Cells map[string]Cell
	// Bootstrap are the nodes to begin with. If nil, the first few public ones of the
	// Net; if empty, none.
	Bootstrap []*Node
	// Trust are the nodes that may call the cells. If nil, everybody may.
	Trust []*Node
	// NoMDNS keeps the node from looking for neighbours in its LAN.
	NoMDNS bool
	// Relay is as in node.Config.
	Relay string

	unpublished bool // as node.Config.Unpublished
}
