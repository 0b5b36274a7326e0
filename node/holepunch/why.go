package holepunch

import (
	"fmt"
	"net/netip"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat"
)

// Circumstances are what is known about a peer that is still reached through a relay.
type Circumstances struct {
	UDP, TCP nat.Kind // of our own NAT
	Direct   int      // how many direct public addresses of the peer are known
	History  History
}

// maxShown bounds how many addresses a reason names.
const maxShown = 4

// Reasons says why there is no direct connection, most important first.
func (c Circumstances) Reasons() (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	noUDP := c.UDP.Kind == nat.Unknown && c.TCP.Kind != nat.Unknown
	switch {
	case c.UDP.Kind == nat.Symmetric:
		say("this machine is behind a symmetric NAT, which uses another port for each "+
			"destination: others see it at %s", strings.Join(c.UDP.Seen, ", "))
	case noUDP && c.TCP.Kind == nat.Symmetric:
		say("UDP does not get out of this machine's network, and for TCP its NAT is symmetric")
	case noUDP:
		say("UDP does not get out of this machine's network")
	}
	switch {
	case c.History.Failed != "":
		say("no hole could be punched: %s", c.History.Failed)
	case c.History.Tries > 0:
		say("the hole punch failed %s, the last time at %s", times(c.History.Tries),
			strings.Join(c.History.At[:min(len(c.History.At), maxShown)], ", "))
	default:
		say("neither side has tried to punch a hole")
	}
	if c.Direct == 0 {
		say("the peer names no addresses other than those at relays")
	}
	switch {
	case c.History.Tries == 0:
	case severalPorts(c.History.At):
		say("the peer is seen at several ports: it is behind a symmetric NAT")
	case c.UDP.Kind == nat.SamePort:
		say("this machine's own NAT keeps to one port and is not in the way: " +
			"the peer's may be symmetric")
	}
	return list
}

// severalPorts reports whether a peer's addresses in a punch are several UDP ports of one
// IP address.
func severalPorts(addrs []string) bool {
	ports := map[netip.Addr]uint16{}
	for _, text := range addrs {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			continue
		}
		ip, port, transport := maddrs.Parts(addr)
		if transport != maddrs.QUIC {
			continue
		}
		if known, ok := ports[ip]; ok && known != port {
			return true
		}
		ports[ip] = port
	}
	return false
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
