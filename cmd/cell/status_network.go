package main

import (
	"fmt"

	"github.com/cell-mesh/cell/node"
)

// printNetwork lays out what the stem can see of the network.
func printNetwork(row func(name string, cells ...string), n node.Status) {
	for i, addr := range n.Addrs {
		if i == 0 {
			row("listening", addr)
		} else {
			row("", addr)
		}
	}
	row("mesh", fmt.Sprintf("%s, %d peers in its table", n.Mesh, n.DHT.Peers))
	for _, b := range n.Bootstrap {
		state := "connected"
		if !b.Connected {
			state = "does not answer: " + b.Error
		}
		row("bootstrap", b.ID, state)
	}
	for _, p := range n.Peers {
		row("connected", p.ID, fmt.Sprintf("%s %s %s, %d calls", p.Direction, p.Transport, p.Address, p.Streams))
	}
}
