package doctor

import (
	"fmt"
	"net"
	"slices"
)

// Port checks the port that the stem should listen on; asked says that stem.toml sets it.
// has are the ports that a running stem listens on.
func Port(wanted int, asked bool, has []int) []Check {
	who := fmt.Sprintf("ss -lntup 'sport = :%d'", wanted)
	switch {
	case slices.Contains(has, wanted):
		return []Check{ok("port", "the stem listens on %d", wanted)}
	case len(has) > 0:
		c := ok("port", "the stem listens on %d and not on %d, which was in use, or --port "+
			"changed since its start; peers still find it, and a router that forwards a port "+
			"to this machine must forward %[1]d", has[0], wanted)
		return []Check{c.note(who)}
	}
	kind := taken(wanted)
	switch {
	case kind == "":
		return []Check{ok("port", "%d is free", wanted)}
	case asked:
		return []Check{ok("port", "stem.toml sets port %d, which is in use (%s): the stem can't "+
			"start",
			wanted, kind).bad(who)}
	}
	return []Check{ok("port", "%d is in use (%s): the stem will use another", wanted,
		kind).note(who)}
}

// taken returns the transport over which another program uses the port, or "".
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
