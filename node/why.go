package node

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/cell-mesh/cell/node/maddrs"
)

// circumstances are what is known when a peer is reached by a relay still.
type circumstances struct {
	udp, tcp NAT
	noUDP    bool // UDP does not get through to others
	direct   int  // how many addresses of the peer's are known that lead to it without a relay
	punched  punched
}

// whyRelayed says why there is no direct connection.
func (n *Node) whyRelayed(over network.Conn) []string {
	id := over.RemotePeer()
	c := circumstances{
		udp:     n.nat("quic"),
		tcp:     n.nat("tcp"),
		direct:  n.directAddrs(id),
		punched: n.punches.since(id, over.Stat().Opened),
	}
	c.noUDP = c.udp.Kind == NATUnknown && c.tcp.Kind != NATUnknown
	return c.reasons()
}

// reasons puts them in words, what matters most first.
func (c circumstances) reasons() (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch {
	case c.udp.Kind == NATSymmetric:
		say("this machine is behind a symmetric NAT, which takes another port for each destination: others see it at %s", strings.Join(c.udp.Seen, ", "))
	case c.noUDP && c.tcp.Kind == NATSymmetric:
		say("UDP does not get out of this machine's network, and for TCP its NAT is symmetric")
	case c.noUDP:
		say("UDP does not get out of this machine's network")
	}
	switch {
	case c.punched.failed != "":
		say("no hole could be punched: %s", c.punched.failed)
	case c.punched.tries > 0:
		say("the hole punch failed %s, the last time at %s", timesWord(c.punched.tries),
			strings.Join(c.punched.at[:min(len(c.punched.at), maxShown)], ", "))
	default:
		say("neither side has tried to punch a hole")
	}
	if c.direct == 0 {
		say("the peer names no address but those of relays")
	}
	switch {
	case c.punched.tries == 0:
	case scattered(c.punched.at):
		say("the peer is seen at several ports: it is behind a symmetric NAT")
	case c.udp.Kind == NATSamePort:
		say("this machine's own NAT keeps to one port and is not in the way: the peer's may be symmetric")
	}
	return list
}

// scattered says whether addresses that a peer has told for a punch are many ports of one
// IP address, over UDP.
func scattered(addrs []string) bool {
	ports := map[netip.Addr]uint16{}
	for _, text := range addrs {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			continue
		}
		ip, port, kind := maddrs.Parts(addr)
		if known, ok := ports[ip]; kind == "quic" && ok && known != port {
			return true
		}
		if kind == "quic" {
			ports[ip] = port
		}
	}
	return false
}

func timesWord(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// directAddrs counts the addresses of a peer that lead to it without a relay, and from here.
func (n *Node) directAddrs(id peer.ID) (count int) {
	for _, addr := range n.host.Peerstore().Addrs(id) {
		if maddrs.IsPublic(addr) {
			count++
		}
	}
	return count
}
