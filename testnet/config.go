package testnet

import (
	"log/slog"

	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// Config configures a Net. The zero Config has links without delay or loss.
type Config struct {
	// Mesh is the private mesh that the nodes form. If empty, "testnet".
	Mesh string
	// Seed determines everything that is random: the nodes' keys and which packets are lost.
	Seed uint64
	// Link is for every node that has none of its own.
	Link internet.Link
	// Lean halves the memory of a node without connections, for thousands of nodes. All
	// of them must be public. They do not check that they can be reached, do not limit
	// their peers, and do not publish their addresses.
	Lean bool
	// Log gets the logs of all nodes, with the attribute node. If nil, nothing is logged.
	Log *slog.Logger
}

// NodeConfig configures a node. The zero value is a public node with the cell echo.
type NodeConfig struct {
	// Name is the node's name in the net. If empty, node1, node2 and so on, in the order
	// of Add.
	Name string
	// Place is where the node lives.
	Place Place
	// Link is the node's link. Nodes in a LAN share the first one's. If nil, the Net's.
	Link *internet.Link
	// Cells are what can be called, by name. If nil, echo.
	Cells map[string]Cell
	// Bootstrap are the nodes to join through. If nil, the first few public nodes of the
	// Net; if empty, none.
	Bootstrap []*Node
	// Trust are the nodes that may call the cells. If nil, all may.
	Trust []*Node
	// NoMDNS stops the node from looking for neighbours in its LAN.
	NoMDNS bool
	// Relay is as in node.Config.
	Relay string

	unpublished bool // as discovery.Unpublished
}

// Place is where a node lives. The zero Place has a public address.
type Place struct {
	// Kind is the kind of network.
	Kind natlab.Kind
	// LAN is the name of the network. Nodes with the same LAN share a router, or a
	// carrier if Kind is natlab.CGN. If empty, the node has its own.
	LAN string
	// Hairpin lets nodes of the LAN call each other at its public address. Most routers
	// refuse that.
	Hairpin bool
}
