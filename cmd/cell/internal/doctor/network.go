package doctor

import (
	"fmt"
	"strings"
)

// Network is what a running stem knows of its network.
type Network struct {
	Mesh string
	// Loopback says that it listens on this machine alone.
	Loopback bool
	// Reachability is "public", "private" or "unknown".
	Reachability string
	// UDP and TCP are what NAT there is over each.
	UDP, TCP NAT
	Router   Router
	// Members are how many of the mesh are known, and Missing why those bootstrap peers
	// are not there that were named; Joining says that one has not been heard from yet.
	Members int
	Missing []string
	Joining bool
	// Near are how many mDNS has seen, or -1 if it does not look.
	Near   int
	Relays []string
}

// NAT is how others see this machine: Kind is "none", "same port", "symmetric", "one
// view" or "unknown".
type NAT struct {
	Kind string
	Seen []string
}

// Check checks a network.
func (n Network) Check() []Check {
	if n.Loopback {
		return []Check{ok("listening", "the stem listens on this machine alone: no other can call it").note(n.up() + ", without --listen"), n.mesh()}
	}
	checks := []Check{n.nat("UDP", n.UDP, n.TCP), n.nat("TCP", n.TCP, n.UDP)}
	if n.Router.At != "" {
		checks = append(checks, n.router())
	}
	return append(checks, n.reachable(), n.mesh(), n.near())
}

// nat says what lies between this machine and the Internet over a transport; other is
// what does over the other one.
func (n Network) nat(name string, nat, other NAT) Check {
	seen := strings.Join(nat.Seen, ", ")
	switch nat.Kind {
	case "none":
		return ok(name, "others see this machine at %s, which is its own address: there is no NAT",
			seen)
	case "same port":
		return ok(name, "others see this machine at %s: its NAT keeps to one port, and holes can be punched", seen)
	case "one view":
		return ok(name, "one peer sees this machine at %s: there is a NAT, and what kind is not known yet", seen)
	case "symmetric":
		if len(n.Router.Opened) > 0 {
			return ok(name, "others see this machine at %s: its NAT takes another port for each, but they can call where the router lets them in", seen)
		}
		return ok(name, "others see this machine at %s: its NAT takes another port for each. Calls to and from machines behind other NATs are relayed", seen).
			note("forward a port of the router to this machine, or give it a public IPv6 address")
	}
	if other.Kind != "unknown" {
		return ok(name, "nobody is reached over %s, as far as is known, though the other transport works: a firewall may drop it", name).
			note(fmt.Sprintf("allow outgoing %s in the firewall", name))
	}
	return ok(name, "nobody on the Internet has been reached, so it is not known how this machine is seen there")
}

func (n Network) reachable() Check {
	switch {
	case n.Reachability == "public":
		return ok("reachable", "from the Internet")
	case len(n.Relays) > 0:
		return ok("reachable", "through relays, of which it holds %s, and by hole punching",
			strings.Join(n.Relays, ", "))
	case n.Reachability == "private":
		return ok("reachable", "not from the Internet: no relay has been found").
			note("run a stem on a machine with a public address, and trust each other: cell trust PEER")
	}
	return ok("reachable", "that is not known yet")
}

func (n Network) mesh() Check {
	switch {
	case n.Mesh == "none":
		return ok("mesh", "none: peers are found by mDNS and by their addresses")
	case n.Members > 0:
		return ok("mesh", "%s, members known: %d", n.Mesh, n.Members)
	case n.Joining:
		return ok("mesh", "%s, which it is about to join", n.Mesh)
	case len(n.Missing) > 0:
		return ok("mesh", "%s: nobody answers who could say where others are: %s", n.Mesh,
			strings.Join(n.Missing, "; ")).
			bad(n.bootstrap())
	}
	return ok("mesh", "%s, of which nobody is known: that is right for the first one", n.Mesh).
		note(n.bootstrap())
}

// up is what starts a stem in the same mesh.
func (n Network) up() string {
	if n.Mesh == "public" {
		return "cell up"
	}
	return "cell up --mesh " + n.Mesh
}

func (n Network) bootstrap() string {
	return n.up() + " --bootstrap MULTIADDR, with an address that \"cell up\" prints at another member"
}

func (n Network) near() Check {
	if n.Near < 0 {
		return ok("mDNS", "is off: neighbours are not seen")
	}
	return ok("mDNS", "neighbours of the mesh seen: %d", n.Near)
}
