package testnet

import "github.com/cell-mesh/cell/testnet/natlab"

// Place is where a node lives. The zero Place is on the internet itself, with a public address.
type Place struct {
	// Kind is the kind of network, by natlab's names.
	Kind natlab.Kind
	// LAN is the name of the network that the node shares with those who name the same:
	// they have one router, or one carrier if the kind is CGN. If empty, it has a router
	// of its own.
	LAN string
	// Hairpin lets those who share the LAN call each other at its public address, which
	// most routers refuse.
	Hairpin bool
}
