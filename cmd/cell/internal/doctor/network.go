package doctor

import (
	"fmt"
	"strings"
)

// Network is what a running stem knows about its network.
type Network struct {
	Mesh string
	// Loopback says that the stem listens only on loopback.
	Loopback bool
	// Reachability is "public", "private" or "unknown".
	Reachability string
	// UDP and TCP are the NATs seen over each transport.
	UDP, TCP NAT
	Router   Router
	// Members is the number of known members of the mesh. Missing says why each bootstrap
	// peer can't be reached. Joining says that one has not answered yet.
	Members int
	Missing []string
	Joining bool
	// Near is the number of peers found by mDNS, or -1 if mDNS is off.
	Near   int
	Relays []string
}

// NAT is how others see this machine at the addresses Seen. Kind is "none", "same port",
// "symmetric", "one view" or "unknown".
type NAT struct {
	Kind string
	Seen []string
}

// Check checks the network.
func (n Network) Check() []Check {
	if n.Loopback {
		listening := ok("listening", "the stem listens on loopback: no other machine can call it")
		return []Check{listening.note(n.up() + ", without --listen"), n.mesh()}
	}
	checks := []Check{n.nat("UDP", n.UDP, n.TCP), n.nat("TCP", n.TCP, n.UDP)}
	if n.Router.At != "" {
		checks = append(checks, n.router())
	}
	return append(checks, n.reachable(), n.mesh(), n.near())
}

// nat checks the NAT that one transport sees; other is the NAT that the other one sees.
func (n Network) nat(name string, nat, other NAT) Check {
	seen := strings.Join(nat.Seen, ", ")
	switch nat.Kind {
	case "none":
		return ok(name, "no NAT: peers see this machine at %s, its own address", seen)
	case "same port":
		return ok(name, "NAT with one port for all peers: they see this machine at %s, "+
			"and hole punching works", seen)
	case "one view":
		return ok(name, "NAT of unknown kind: only one peer has seen this machine so far, at %s",
			seen)
	case "symmetric":
		c := ok(name, "NAT with a different port for each peer (symmetric): %s", seen)
		if len(n.Router.Opened) > 0 {
			c.What += "; peers can call through the port that the router opened"
			return c
		}
		c.What += "; calls to and from machines behind other NATs are relayed"
		return c.note("forward a port on the router to this machine, or get a public IPv6 address")
	}
	if other.Kind != "unknown" {
		return ok(name, "no peer has been reached over %s, although the other transport works: "+
			"a firewall may block it", name).
			note(fmt.Sprintf("allow outgoing %s in the firewall", name))
	}
	return ok(name, "unknown: no peer on the Internet has been reached so far")
}

func (n Network) reachable() Check {
	switch {
	case n.Reachability == "public":
		return ok("reachable", "from the Internet")
	case len(n.Relays) > 0:
		return ok("reachable", "through hole punching and these relays: %s",
			strings.Join(n.Relays, ", "))
	case n.Reachability == "private":
		return ok("reachable", "not from the Internet: no relay found").
			note("run a stem on a machine with a public address, and run cell trust PEER on both")
	}
	return ok("reachable", "unknown so far")
}

func (n Network) mesh() Check {
	switch {
	case n.Mesh == "none":
		return ok("mesh", "none: peers are found by mDNS and by their addresses")
	case n.Members > 0:
		return ok("mesh", "%s, members known: %d", n.Mesh, n.Members)
	case n.Joining:
		return ok("mesh", "%s, joining", n.Mesh)
	case len(n.Missing) > 0:
		return ok("mesh", "%s: no bootstrap peer answers: %s", n.Mesh,
			strings.Join(n.Missing, "; ")).bad(n.bootstrap())
	}
	return ok("mesh", "%s, no other members known; that is fine for the first one", n.Mesh).
		note(n.bootstrap())
}

// up is the command that starts a stem in the same mesh.
func (n Network) up() string {
	if n.Mesh == "public" {
		return "cell up"
	}
	return "cell up --mesh " + n.Mesh
}

func (n Network) bootstrap() string {
	return n.up() + " --bootstrap MULTIADDR, with an address that \"cell up\" prints on another " +
		"member"
}

func (n Network) near() Check {
	if n.Near < 0 {
		return ok("mDNS", "off: peers on the local network are not discovered")
	}
	return ok("mDNS", "peers found on the local network: %d", n.Near)
}
