package node

import (
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// guesses adds to what a hole punch tells the other end. A NAT lets in what its host has called, on the port that the
// NAT gave it; libp2p knows that port only for a transport over which someone has seen us from outside, and
// that is mostly QUIC. Most NATs keep a port if they can, and we listen with both transports on the same one: so the
// address that was seen with one transport is offered with the other, too. Where the guess is wrong it costs
// a few packets; where UDP is blocked it is the only way to a direct connection.
//
// Offered, too, is the IPv4 address of a machine whose connections are all IPv6, so that nobody has told libp2p.
type guesses struct{ reach *reach }

func (guesses) FilterRemote(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }

func (g guesses) FilterLocal(_ peer.ID, addrs []ma.Multiaddr) []ma.Multiaddr {
	if outside := g.reach.outside(); outside.IsValid() {
		if both, err := bothTransports(outside.Addr(), outside.Port()); err == nil {
			addrs = append(addrs[:len(addrs):len(addrs)], both...)
		}
	}
	for _, addr := range addrs[:len(addrs):len(addrs)] {
		if ip, port, _ := parts(addr); ip.Is4() {
			both, err := bothTransports(ip, port)
			if err == nil {
				addrs = append(addrs, both...)
			}
		}
	}
	return ma.Unique(addrs)
}

// outside says whether an address is a direct one on the Internet.
func outside(addr ma.Multiaddr) bool { return transport(addr) != "relay" && manet.IsPublicAddr(addr) }
