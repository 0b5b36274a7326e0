package main

import (
	"fmt"

	"github.com/cell-mesh/cell/node"
)

// count prints a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// printNetwork lays out what the stem can see of the network.
func printNetwork(row func(name string, cells ...string), n node.Status) {
	for i, addr := range n.Addrs {
		if i == 0 {
			row("listening", addr)
		} else {
			row("", addr)
		}
	}
	row("mesh", fmt.Sprintf("%s, %s of it known", n.Mesh, count(n.DHT.Peers, "peer")))
	for _, b := range n.Bootstrap {
		state := "connected"
		if !b.Connected {
			state = "does not answer: " + b.Error
		}
		row("bootstrap", b.ID, state)
	}
	for _, p := range n.Peers {
		row("connected", p.ID, fmt.Sprintf("%s %s %s, %s", p.Direction, p.Transport, p.Address, count(p.Streams, "call")))
	}
}
