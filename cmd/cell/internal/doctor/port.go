package doctor

import (
	"fmt"
	"net"
	"slices"
)

// Port checks the port that the stem is to have: wanted, which the owner asked for by
// name or not. has are the ports that a running stem listens on.
func Port(wanted int, asked bool, has []int) []Check {
	switch {
	case slices.Contains(has, wanted):
		return []Check{ok("port", "the stem listens on %d", wanted)}
	case len(has) > 0:
		return []Check{ok("port", "the stem listens on %d, not on %d: that was taken when it started, or --port names another. Others find it all the same, but an open port of a router or firewall has to lead there", has[0], wanted).
			note(fmt.Sprintf("ss -lntup 'sport = :%d'", wanted))}
	}
	kind := taken(wanted)
	switch {
	case kind == "":
		return []Check{ok("port", "%d is free", wanted)}
	case asked:
		return []Check{ok("port", "stem.toml asks for %d, which is in use (%s): no stem starts",
			wanted, kind).bad(fmt.Sprintf("ss -lntup 'sport = :%d'", wanted))}
	}
	return []Check{ok("port", "%d is in use (%s): the stem will take another", wanted,
		kind).note(fmt.Sprintf("ss -lntup 'sport = :%d'", wanted))}
}

// taken says over what another program has the port, or "".
func taken(port int) string {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
	if err != nil {
		return "udp"
	}
	defer udp.Close()
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: port})
	if err != nil {
		return "tcp"
	}
	tcp.Close()
	return ""
}
