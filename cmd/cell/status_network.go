package main

import (
	"fmt"
	"strings"

	"github.com/cell-mesh/cell/node"
)

// count formats a number of things, such as "1 peer" or "3 addresses".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "s") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// reachable says how other machines can reach this one.
func reachable(n node.Status) string {
	how := map[string]string{"public": "from the Internet",
		"private": "through relays and hole punching"}[n.Reachability]
	switch {
	case how == "":
		how = "unknown so far"
	case n.Reachability == "private" && len(n.Relays) == 0:
		how = "not from the Internet: no relay found"
	}
	if n.Relaying {
		how += ", relays for others"
	}
	return how
}

// printNetwork prints what the stem knows of the network.
func printNetwork(row func(name string, cells ...string), n node.Status,
	called func(id string) string) {
	for i, addr := range n.Addrs {
		if i == 0 {
			row("listening", addr)
		} else {
			row("", addr)
		}
	}
	row("mesh", fmt.Sprintf("%s, %s known", n.Mesh, count(n.DHT.Peers, "member")))
	for _, b := range n.Bootstrap {
		state := "connected"
		switch {
		case b.Error != "":
			state = b.Error
		case !b.Connected:
			state = "not connected"
		}
		row("bootstrap", b.ID, state)
	}
	row("reachable", reachable(n))
	for _, id := range n.Relays {
		row("relay", called(id))
	}
	for _, p := range n.Peers {
		how := p.Transport + " " + p.Address
		if p.Relay != "" {
			how = "relayed by " + called(p.Relay)
		}
		if p.Why != "" {
			how += " (" + p.Why + ")"
		}
		rtt := ""
		if p.RTT > 0 {
			rtt = fmt.Sprintf(", %.3g ms", p.RTT)
		}
		row("connected", called(p.ID), fmt.Sprintf("%s %s, %s%s", p.Direction, how,
			count(p.Streams, "call"), rtt))
	}
}
